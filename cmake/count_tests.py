#!/usr/bin/env python3
"""Prints "PASSED FAILED" for one step of ./dev test, from the reports that its runners left.

A GoogleTest binary counts by its cases, any other ctest as one, pytest by its cases, a step without reports as one.
A step that failed counts at least one failure, whatever its reports say.
Usage: count_tests.py STEP RC
"""
import glob
import json
import os
import sys
import xml.etree.ElementTree as xml

REPORTS = {
    'unit': ['build/reports/unit'],
    'fuzz': ['build/reports/fuzz'],
    'bench': ['build/reports/bench'],
    'asan': ['build-asan/reports/unit', 'build-asan/reports/fuzz'],
    'tsan': ['build-tsan/reports/unit'],
    'system': ['build/reports/system'],
}


def count_cases(path):
  """(passed, failed) of a GoogleTest report."""
  with open(path, encoding='utf-8') as f:
    report = json.load(f)
  failed = report.get('failures', 0) + report.get('errors', 0)
  skipped = sum(case.get('result') == 'SKIPPED' for suite in report.get('testsuites', [])
                for case in suite.get('testsuite', []))
  return report.get('tests', 0) - report.get('disabled', 0) - skipped - failed, failed


def count_junit(path, folder):
  passed = failed = 0
  for case in xml.parse(path).getroot().iter('testcase'):
    bad = case.find('failure') is not None or case.find('error') is not None or case.get('status') == 'fail'
    cases = os.path.join(folder, case.get('name', '') + '.json')
    if os.path.exists(cases):
      good_cases, bad_cases = count_cases(cases)
      passed += good_cases
      failed += bad_cases or (1 if bad else 0)
    elif bad:
      failed += 1
    elif case.find('skipped') is None and case.get('status') not in ('disabled', 'notrun'):
      passed += 1
  return passed, failed


def main(step, rc):
  passed = failed = 0
  for folder in REPORTS.get(step, []):
    for path in glob.glob(os.path.join(folder, '*.xml')):
      try:
        good, bad = count_junit(path, folder)
      except (xml.ParseError, OSError, ValueError):
        good, bad = 0, 1
      passed += good
      failed += bad
  if rc != 0 and failed == 0:
    failed = 1
  if rc == 0 and passed == 0 and failed == 0:
    passed = 1
  print(passed, failed)


if __name__ == '__main__':
  main(sys.argv[1], int(sys.argv[2]))
