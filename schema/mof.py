"""Reads MOF as far as the files here need it (DSP0004 2.7, annex A): qualifier declarations, classes, #pragma namespace.

A pragma may name several name spaces, separated by commas: the classes after it are in all of them. Whatever is wrong
is an Error that begins with file and line. Nothing is guessed: qualifiers must be declared and fit where they stand,
classes must come after their superclass, references and embedded instances must name classes that exist.
"""
import re

TYPES = {'boolean', 'string', 'char16', 'uint8', 'uint16', 'uint32', 'uint64', 'sint8', 'sint16', 'sint32', 'sint64',
         'real32', 'real64', 'datetime'}
TOKEN = re.compile(r'''(?P<space>\s+|//[^\n]*|/\*.*?\*/)
  | (?P<pragma>\#pragma\b) | (?P<string>"(?:[^"\\\n]|\\.)*") | (?P<real>[+-]?\d*\.\d+(?:[eE][+-]?\d+)?) | (?P<int>[+-]?\d+)
  | (?P<word>[A-Za-z_]\w*) | (?P<sign>[{}()\[\],:;=$])''', re.X | re.S)


class Error(Exception):
  pass


class Node:
  """A parsed thing; `at` is file:line."""

  def __init__(self, at, **fields):
    self.at = at
    self.__dict__.update(fields)


class Schema:
  def __init__(self):
    self.qualifiers = {}   # lower-case name -> declaration
    self.classes = {}      # lower-case name -> class, superclasses first


class Reader:
  def __init__(self, schema, path, text):
    self.schema, self.path, self.text = schema, path, text
    self.tokens = list(self.split())
    self.next = 0
    self.name_spaces = []

  def split(self):
    at, line = 0, 1
    while at < len(self.text):
      found = TOKEN.match(self.text, at)
      if not found:
        raise Error(f'{self.path}:{line}: what is {self.text[at:at + 12]!r}?')
      if found.lastgroup != 'space':
        yield found.lastgroup, found.group(), line
      line += found.group().count('\n')
      at = found.end()
    yield 'end', 'the end of the file', line

  # --- tokens

  def at(self):
    return f'{self.path}:{self.tokens[self.next][2]}'

  def fail(self, text, at=None):
    raise Error(f'{at or self.at()}: {text}')

  def peek(self, text):
    return self.tokens[self.next][1].lower() == text and self.tokens[self.next][0] != 'string'

  def take(self, text):
    if self.peek(text):
      self.next += 1
      return True
    return False

  def must(self, text):
    if not self.take(text):
      self.fail(f'{text!r} must stand here, not {self.tokens[self.next][1]!r}')

  def word(self, what):
    kind, text, _ = self.tokens[self.next]
    if kind != 'word':
      self.fail(f'{what} must stand here, not {text!r}')
    self.next += 1
    return text

  def string(self):
    kind, text, _ = self.tokens[self.next]
    if kind != 'string':
      self.fail(f'a string must stand here, not {text!r}')
    whole = ''
    while self.tokens[self.next][0] == 'string':   # strings side by side are one
      whole += re.sub(r'\\(.)', lambda m: {'n': '\n', 't': '\t', 'r': '\r'}.get(m[1], m[1]), self.tokens[self.next][1][1:-1])
      self.next += 1
    return whole

  def literal(self, type_name):
    kind, text, _ = self.tokens[self.next]
    fits = {'string': 'string', 'datetime': 'string', 'boolean': 'word', 'real32': 'real', 'real64': 'real'}.get(type_name, 'int')
    if kind != fits or (fits == 'word' and text.lower() not in ('true', 'false')):
      self.fail(f'{text!r} is no {type_name}')
    if fits == 'string':
      return self.string()
    self.next += 1
    return text.lower() if fits == 'word' else text

  def value(self, type_name, is_array):
    """A list of texts; None for NULL."""
    if self.take('null'):
      return None
    if not is_array:
      return [self.literal(type_name)]
    self.must('{')
    values = []
    while not self.take('}'):
      values.append(self.literal(type_name))
      if not self.peek('}'):
        self.must(',')
    return values

  # --- the file

  def read(self):
    while self.tokens[self.next][0] != 'end':
      if self.take('#pragma'):
        self.pragma()
      elif self.take('qualifier'):
        self.qualifier_type()
      else:
        self.class_()

  def pragma(self):
    if self.word('a pragma').lower() != 'namespace':
      self.fail('of pragmas only namespace is known')
    self.must('(')
    self.name_spaces = [name.strip() for name in self.string().split(',')]
    self.must(')')

  def names(self):
    self.must('(')
    names = [self.word('a name').lower()]
    while self.take(','):
      names.append(self.word('a name').lower())
    self.must(')')
    return names

  def qualifier_type(self):
    at = self.at()
    name = self.word('a name')
    self.must(':')
    type_name = self.word('a type').lower()
    if type_name not in TYPES:
      self.fail(f'there is no type {type_name!r}', at)
    is_array = self.take('[')
    if is_array:
      self.must(']')
    defaults = self.value(type_name, is_array) if self.take('=') else None
    scopes, flavors = [], []
    while self.take(','):
      if self.take('scope'):
        scopes = self.names()
      else:
        self.must('flavor')
        flavors = self.names()
    self.must(';')
    if name.lower() in self.schema.qualifiers:
      self.fail(f'qualifier {name} is declared twice', at)
    self.schema.qualifiers[name.lower()] = Node(
        at, name=name, type=type_name, is_array=is_array, defaults=defaults or [], scopes=scopes,
        overridable='disableoverride' not in flavors, to_subclass='restricted' not in flavors, translatable='translatable' in flavors)

  def qualifiers(self):
    found = {}
    if not self.take('['):
      return found
    while True:
      at = self.at()
      name = self.word('a qualifier')
      kind = self.schema.qualifiers.get(name.lower())
      if not kind:
        self.fail(f'qualifier {name} is not declared', at)
      if name.lower() in found:
        self.fail(f'qualifier {name} stands here twice', at)
      if kind.is_array:
        values = self.value(kind.type, True)
      elif self.take('('):
        values = self.value(kind.type, False)
        self.must(')')
      elif kind.type == 'boolean':
        values = ['true']
      else:
        self.fail(f'qualifier {name} needs a value', at)
      found[name.lower()] = Node(at, kind=kind, values=values or [])
      if self.take(']'):
        return found
      self.must(',')

  def class_(self):
    qualifiers = self.qualifiers()
    at = self.at()
    self.must('class')
    name = self.word('a name')
    parent = self.word('a class') if self.take(':') else ''
    cls = Node(at, name=name, parent=parent, qualifiers=qualifiers, properties=[], methods=[], name_spaces=self.name_spaces)
    if not self.name_spaces:
      self.fail(f'class {name} is in no name space: #pragma namespace is missing', at)
    if name.lower() in self.schema.classes:
      self.fail(f'class {name} is there twice, first at {self.schema.classes[name.lower()].at}', at)
    if parent and parent.lower() not in self.schema.classes:
      self.fail(f'class {name} comes before its superclass {parent}', at)
    self.must('{')
    while not self.take('}'):
      self.feature(cls)
    self.must(';')
    self.schema.classes[name.lower()] = cls

  def typed(self, qualifiers, what):
    """Type, reference and name of a property, method or parameter."""
    at = self.at()
    type_name = self.word('a type')
    reference = ''
    if self.take('ref'):
      reference, type_name = type_name, 'reference'
    elif type_name.lower() not in TYPES:
      self.fail(f'there is no type {type_name!r}', at)
    name = self.word(f'the name of a {what}')
    is_array = self.take('[')
    if is_array:
      self.must(']')
    return Node(at, name=name, type=type_name.lower(), reference=reference, is_array=is_array, qualifiers=qualifiers)

  def feature(self, cls):
    node = self.typed(self.qualifiers(), 'property or method')
    if self.take('('):
      node.parameters = []
      while not self.take(')'):
        node.parameters.append(self.typed(self.qualifiers(), 'parameter'))
        if not self.peek(')'):
          self.must(',')
      cls.methods.append(node)
    else:
      node.initial = (self.value(node.type, node.is_array) if self.take('=') else None) or []
      cls.properties.append(node)
    self.must(';')
    same = [n for n in cls.properties + cls.methods if n.name.lower() == node.name.lower()]
    if len(same) > 1:
      self.fail(f'{cls.name}.{node.name} is there twice', node.at)


def check(schema):
  """What can be said only when everything has been read."""
  def wrong(node, text):
    raise Error(f'{node.at}: {text}')

  def exists(node, name):
    if name.lower() not in schema.classes:
      wrong(node, f'{node.name}: there is no class {name}')

  def fits(node, *scopes):
    for qualifier in node.qualifiers.values():
      if not {'any', *scopes} & set(qualifier.kind.scopes):
        wrong(qualifier, f'qualifier {qualifier.kind.name} does not go with a {scopes[-1]}')
    lengths = {len(node.qualifiers[q].values) for q in ('values', 'valuemap') if q in node.qualifiers}
    if len(lengths) > 1:
      wrong(node, f'{node.name}: Values and ValueMap differ in length')
    if 'embeddedinstance' in node.qualifiers:
      exists(node, node.qualifiers['embeddedinstance'].values[0])
    if getattr(node, 'reference', ''):
      exists(node, node.reference)

  for cls in schema.classes.values():
    fits(cls, *[kind for kind in ('association', 'indication') if kind in cls.qualifiers], 'class')
    for prop in cls.properties:
      fits(prop, 'reference' if prop.type == 'reference' else 'property')
    for method in cls.methods:
      fits(method, 'method')
      for parameter in method.parameters:
        fits(parameter, 'parameter')


def read(paths):
  schema = Schema()
  for path in paths:
    with open(path, encoding='utf-8') as f:
      Reader(schema, path, f.read()).read()
  check(schema)
  return schema
