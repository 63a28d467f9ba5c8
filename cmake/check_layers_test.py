#!/usr/bin/env python3
"""The layer check is fed trees that are wrong in one way each, and one that is right."""
import os
import tempfile
import unittest

import sys
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from check_layers import Tree  # noqa: E402

GOOD = {
    'src/LAYERS': 'base\nos\njournal\nrest cim\ndaemon\n',
    'src/base/CMakeLists.txt': 'lockstep_library(base)\n',
    'src/base/base.h': '#include <vector>\n#include "base/units.h"\n',
    'src/base/units.h': '#include <cstdint>\n',
    'src/os/CMakeLists.txt': 'lockstep_library(os USES base)\nadd_subdirectory(real)\nadd_subdirectory(sim)\n',
    'src/os/os.h': '#include "base/base.h"\n',
    'src/os/real/CMakeLists.txt': 'lockstep_library(os/real USES os PACKAGES uring)\n',
    'src/os/real/real.h': '#include "os/os.h"\n',
    'src/os/real/real.cc': '#include "os/real/real.h"\n#include <liburing.h>\n',
    'src/os/sim/CMakeLists.txt': 'lockstep_library(os/sim USES os)\n',
    'src/os/sim/sim.h': '#include "os/os.h"\n',
    'src/journal/CMakeLists.txt': 'lockstep_library(journal USES os TEST_USES os/sim)\n',
    'src/journal/journal.h': '#include "base/units.h"\n#include "os/os.h"\n',
    'src/journal/segment.h': '#include <cstdint>\n',
    'src/journal/journal.cc': '#include "journal/journal.h"\n#include "journal/segment.h"\n',
    'src/journal/journal_test.cc': '#include <gtest/gtest.h>\n#include "os/sim/sim.h"\n',
    'src/rest/CMakeLists.txt': 'lockstep_library(rest USES journal)\n',
    'src/rest/rest.h': '#include "journal/journal.h"\n',
    'src/cim/CMakeLists.txt': 'lockstep_library(cim USES journal)\n',
    'src/cim/cim.h': '#include "journal/journal.h"\n',
    'src/daemon/CMakeLists.txt': 'lockstep_library(daemon PROGRAM lockstepd USES rest cim os/real)\n',
    'src/daemon/main.cc': '#include "os/real/real.h"\n#include "rest/rest.h"\n',
    'cli/CMakeLists.txt': 'lockstep_library(cli PROGRAM lockstep USES base PACKAGES cli11)\n',
    'cli/main.cc': '#include <CLI/CLI.hpp>\n#include "base/base.h"\n',
}


def errors(**changes):
  """The errors of the good tree with some files replaced; a name writes / as __ and . as _dot_."""
  files = dict(GOOD)
  for name, text in changes.items():
    files[name.replace('__', '/').replace('_dot_', '.')] = text
  with tempfile.TemporaryDirectory() as root:
    for path, text in files.items():
      full = os.path.join(root, path)
      os.makedirs(os.path.dirname(full), exist_ok=True)
      with open(full, 'w', encoding='utf-8') as f:
        f.write(text)
    return Tree(root).check()


class Layers(unittest.TestCase):
  def assert_one(self, found, *words):
    self.assertEqual(len(found), 1, found)
    for word in words:
      self.assertIn(word, found[0])

  def test_the_folders_of_a_library_keep_its_own_order(self):
    rooms = {'src__journal__LAYERS': 'low\nhigh side\n', 'src__journal__low__a_dot_h': '#include "journal/journal.h"\n'}
    upwards = '#include "journal/low/a.h"\n'
    self.assertEqual(errors(**rooms, src__journal__high__b_dot_h=upwards), [])
    downwards = {'src__journal__low__c_dot_cc': '#include "journal/high/b.h"\n', 'src__journal__high__b_dot_h': ''}
    self.assert_one(errors(**rooms, **downwards), 'low/c.cc:1', 'low may not see high')
    beside = {'src__journal__side__c_dot_cc': '#include "journal/high/b.h"\n', 'src__journal__high__b_dot_h': ''}
    self.assert_one(errors(**rooms, **beside), 'side may not see high')
    unknown = {'src__journal__new__c_dot_cc': upwards}
    self.assert_one(errors(**rooms, **unknown), 'new is not in src/journal/LAYERS')

  def test_a_tree_in_order_is_accepted(self):
    self.assertEqual(errors(), [])

  def test_an_upward_include_is_refused(self):
    self.assert_one(errors(src__os__up_dot_cc='#include "journal/journal.h"\n'),
                    'src/os/up.cc:1', 'os may not see journal')

  def test_an_upward_include_in_a_test_is_refused(self):
    self.assert_one(errors(src__os__up_test_dot_cc='#include "journal/journal.h"\n'), 'os may not see journal')

  def test_an_upward_use_is_refused(self):
    self.assert_one(errors(src__os__CMakeLists_dot_txt='lockstep_library(os USES base journal)\n'),
                    'USES journal', 'os may not see journal')

  def test_folders_on_one_line_do_not_see_each_other(self):
    self.assert_one(errors(src__rest__x_dot_cc='#include "cim/cim.h"\n'), 'rest may not see cim')
    self.assert_one(errors(src__cim__CMakeLists_dot_txt='lockstep_library(cim USES journal rest)\n'),
                    'cim may not see rest')

  def test_a_client_sees_nothing_of_the_system(self):
    self.assert_one(errors(cli__x_dot_cc='#include "journal/journal.h"\n'), 'cli may not see journal')

  def test_an_include_needs_its_use(self):
    self.assert_one(errors(src__rest__CMakeLists_dot_txt='lockstep_library(rest USES base)\n'),
                    'rest does not use journal')

  def test_a_third_party_header_stays_out_of_public_headers(self):
    self.assert_one(errors(src__os__os_dot_h='#include "base/base.h"\n#include <sqlite3.h>\n'),
                    'src/os/os.h:2', '<sqlite3.h>')

  def test_what_a_public_header_includes_is_public_too(self):
    self.assert_one(errors(src__base__units_dot_h='#include <xxhash.h>\n'), 'src/base/units.h:1', '<xxhash.h>')

  def test_a_private_header_may_name_third_parties(self):
    self.assertEqual(errors(src__journal__segment_dot_h='#include <xxhash.h>\n'), [])

  def test_a_private_header_is_not_for_others(self):
    self.assert_one(errors(src__rest__x_dot_cc='#include "journal/segment.h"\n'), 'private to journal')

  def test_a_cycle_among_files_is_named_in_full(self):
    self.assert_one(errors(src__base__units_dot_h='#include "base/base.h"\n'),
                    'include cycle', 'src/base/base.h -> src/base/units.h -> src/base/base.h')

  def test_the_simulation_does_not_ship(self):
    self.assert_one(errors(src__journal__CMakeLists_dot_txt='lockstep_library(journal USES os os/sim)\n'), 'TEST_USES')
    self.assert_one(errors(src__journal__x_dot_cc='#include "os/sim/sim.h"\n'), 'for tests')

  def test_only_daemon_picks_the_real_system(self):
    self.assert_one(errors(src__journal__CMakeLists_dot_txt='lockstep_library(journal USES os os/real TEST_USES os/sim)\n'),
                    'only daemon')

  def test_real_and_sim_do_not_see_each_other(self):
    self.assert_one(errors(src__os__sim__x_dot_cc='#include "os/real/real.h"\n'), 'os/sim may not see os/real')

  def test_a_folder_outside_the_list_is_refused(self):
    self.assertTrue(any('extra is not in src/LAYERS' in e for e in
                        errors(src__extra__CMakeLists_dot_txt='lockstep_library(extra)\n')))

  def test_a_library_has_a_public_header(self):
    found = errors(src__rest__rest_dot_h='', src__cim__CMakeLists_dot_txt='lockstep_library(cim USES journal)\n')
    self.assertEqual(found, [])
    files = {'src__rest__other_dot_cc': '\n'}
    self.assertEqual(errors(**files), [])
    self.assert_one(errors(src__journal__sub__CMakeLists_dot_txt='lockstep_library(journal/sub USES journal)\n',
                           src__journal__sub__a_dot_cc='\n'), 'no public header src/journal/sub/sub.h')

  def test_a_path_is_written_from_src_on(self):
    self.assert_one(errors(src__journal__x_dot_cc='#include "segment.h"\n'), 'written from src/ on')

  def test_a_comment_in_a_list_is_no_call(self):
    self.assertEqual(errors(src__os__CMakeLists_dot_txt='# lockstep_library(os USES journal)\nlockstep_library(os USES base)\n'), [])


if __name__ == '__main__':
  unittest.main()
