#!/usr/bin/env python3
"""Makes the constant tables of src/cim/schema.h out of the MOF files named, in that order.

Usage: tables.py OUT.cc FILE.mof...      Exit 1 with file:line when something in them is wrong.
"""
import sys

import mof


class Writer:
  """Arrays of constants; equal ones are written once."""

  def __init__(self):
    self.lines = []
    self.known = {}

  def array(self, kind, prefix, items):
    if not items:
      return '{}'
    text = f'{kind}[] = {{' + ', '.join(items) + '};'
    if text not in self.known:
      self.known[text] = f'{prefix}{len(self.known)}'
      self.lines.append(f'constexpr {kind} {self.known[text]}{text[len(kind):]}')
    return self.known[text]

  def texts(self, values):
    return self.array('std::string_view', 's', [text(v) for v in values])

  def qualifiers(self, found):
    items = []
    for q in found.values():
      k = q.kind
      items.append(f'{{{text(k.name)}, Type::{k.type}, {flag(k.is_array)}, {self.texts(q.values)}, '
                   f'{flag(k.overridable)}, {flag(k.to_subclass)}, {flag(k.translatable)}}}')
    return self.array('Qualifier', 'q', items)


def text(value):
  escaped = value.replace('\\', '\\\\').replace('"', '\\"').replace('\n', '\\n').replace('\t', '\\t').replace('\r', '\\r')
  return f'"{escaped}"sv' if value else '{}'


def flag(value):
  return 'true' if value else 'false'


def is_set(node, name):
  return name in node.qualifiers and node.qualifiers[name].values == ['true']


def embedded(node):
  if is_set(node, 'embeddedobject'):
    return '*'
  return node.qualifiers['embeddedinstance'].values[0] if 'embeddedinstance' in node.qualifiers else ''


def property_row(out, cls, p):
  return (f'{{{text(p.name)}, Type::{p.type}, {flag(p.is_array)}, {text(p.reference)}, {text(embedded(p))}, '
          f'{flag(is_set(p, "key"))}, {flag(is_set(p, "required"))}, {out.qualifiers(p.qualifiers)}, {out.texts(p.initial)}, {text(cls.name)}}}')


def parameter_row(out, p):
  is_in = 'in' not in p.qualifiers or is_set(p, 'in')
  return (f'{{{text(p.name)}, Type::{p.type}, {flag(p.is_array)}, {flag(is_in)}, {flag(is_set(p, "out"))}, '
          f'{text(p.reference)}, {text(embedded(p))}, {out.qualifiers(p.qualifiers)}}}')


def method_row(out, cls, m):
  parameters = out.array('Parameter', 'a', [parameter_row(out, p) for p in m.parameters])
  return f'{{{text(m.name)}, Type::{m.type}, {flag(is_set(m, "static"))}, {parameters}, {out.qualifiers(m.qualifiers)}, {text(cls.name)}}}'


def class_row(out, cls):
  properties = out.array('Property', 'p', [property_row(out, cls, p) for p in cls.properties])
  methods = out.array('Method', 'm', [method_row(out, cls, m) for m in cls.methods])
  return (f'{{{text(cls.name)}, {text(cls.parent)}, {flag(is_set(cls, "association"))}, {flag(is_set(cls, "abstract"))}, '
          f'{flag(is_set(cls, "indication"))}, {out.qualifiers(cls.qualifiers)}, {properties}, {methods}, {out.texts(cls.name_spaces)}}}')


def qualifier_type_row(out, k):
  return (f'{{{text(k.name)}, Type::{k.type}, {flag(k.is_array)}, {out.texts(k.defaults)}, {out.texts(k.scopes)}, '
          f'{flag(k.overridable)}, {flag(k.to_subclass)}, {flag(k.translatable)}}}')


def tables(schema):
  out = Writer()
  classes = out.array('Class', 'c', [class_row(out, c) for c in schema.classes.values()])
  kinds = out.array('QualifierType', 'k', [qualifier_type_row(out, k) for k in schema.qualifiers.values()])
  return '\n'.join([
      '// Made of schema/*.mof by schema/tables.py: change those.', '#include "cim/schema.h"', '', 'namespace lockstep::cim {',
      'namespace {', 'using namespace std::string_view_literals;', *out.lines, '}  // namespace',
      f'std::span<const Class> all_classes() noexcept {{ return {classes}; }}',
      f'std::span<const QualifierType> all_qualifier_types() noexcept {{ return {kinds}; }}',
      '}  // namespace lockstep::cim', ''])


def main(arguments):
  if len(arguments) < 2:
    sys.exit(__doc__)
  try:
    schema = mof.read(arguments[1:])
  except (mof.Error, OSError) as error:
    sys.exit(f'{error}')
  with open(arguments[0], 'w', encoding='utf-8') as f:
    f.write(tables(schema))


if __name__ == '__main__':
  main(sys.argv[1:])
