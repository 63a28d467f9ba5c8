#!/usr/bin/env python3
"""What the MOF reader takes, and that it names file and line of what it does not."""
import os
import subprocess
import sys
import tempfile
import unittest

import mof

HEAD = '''Qualifier Key : boolean = false, Scope(property, reference), Flavor(DisableOverride);
Qualifier Description : string = null, Scope(any), Flavor(Translatable);
Qualifier ValueMap : string[], Scope(property);
Qualifier Values : string[], Scope(property);
Qualifier EmbeddedInstance : string = null, Scope(property);
#pragma namespace("a, b")
'''


def read(text):
  schema = mof.Schema()
  mof.Reader(schema, 'x.mof', HEAD + text).read()
  mof.check(schema)
  return schema


class Mof(unittest.TestCase):
  def refuses(self, text, line, words):
    with self.assertRaises(mof.Error) as caught:
      read(text)
    self.assertTrue(str(caught.exception).startswith(f'x.mof:{6 + line}: '), caught.exception)
    self.assertIn(words, str(caught.exception))

  def test_a_class_with_all_there_is(self):
    schema = read('''/* a
      comment */ [Description("two " "parts, a \\"quote\\"")]
      class A { [Key] string Id; uint16 List[] = { 1, 2 }; A REF Other; boolean Flag = TRUE; string None = null;
        uint32 Do([Description("x")] A REF Which[], string B); };
      class B : A { };  // its child''')
    a = schema.classes['a']
    self.assertEqual(a.qualifiers['description'].values, ['two parts, a "quote"'])
    self.assertEqual([p.name for p in a.properties], ['Id', 'List', 'Other', 'Flag', 'None'])
    self.assertEqual(a.properties[1].initial, ['1', '2'])
    self.assertEqual(a.properties[2].reference, 'A')
    self.assertEqual(a.properties[3].initial, ['true'])
    self.assertEqual([(p.name, p.is_array, p.reference) for p in a.methods[0].parameters], [('Which', True, 'A'), ('B', False, '')])
    self.assertEqual(schema.classes['b'].parent, 'A')
    self.assertEqual(a.name_spaces, ['a', 'b'])

  def test_mistakes_are_named_with_their_line(self):
    self.refuses('class A { string A };', 1, "';' must stand here")
    self.refuses('\nclass A : B { };', 2, 'before its superclass B')
    self.refuses('class A { };\nclass a { };', 2, 'there twice')
    self.refuses('class A { uint17 X; };', 1, "no type 'uint17'")
    self.refuses('class A { [Weird] string X; };', 1, 'Weird is not declared')
    self.refuses('[Key] class A { };', 1, 'Key does not go with a class')
    self.refuses('class A { B REF X; };', 1, 'there is no class B')
    self.refuses('class A { [EmbeddedInstance("B")] string X; };', 1, 'there is no class B')
    self.refuses('class A {\n [ValueMap { "1" }, Values { "a", "b" }]\n uint16 X; };', 3, 'differ in length')
    self.refuses('class A { uint16 X = "1"; };', 1, 'is no uint16')
    self.refuses('class A { string X; uint32 x(); };', 1, 'A.x is there twice')
    self.refuses('class A { string X; ?', 1, 'what is')
    self.refuses('#pragma include("b.mof")', 1, 'only namespace')
    self.refuses('class A {', 1, 'the end of the file')

  def test_the_tables_are_not_written_when_something_is_wrong(self):
    with tempfile.TemporaryDirectory() as folder:
      bad, out = os.path.join(folder, 'bad.mof'), os.path.join(folder, 'out.cc')
      with open(bad, 'w', encoding='utf-8') as f:
        f.write('\nclass A;')
      program = os.path.join(os.path.dirname(os.path.abspath(__file__)), 'tables.py')
      done = subprocess.run([sys.executable, '-B', program, out, bad], capture_output=True, text=True, check=False)
      self.assertEqual(done.returncode, 1)
      self.assertIn('bad.mof:2: ', done.stderr)
      self.assertFalse(os.path.exists(out))


if __name__ == '__main__':
  unittest.main()
