#!/usr/bin/env python3
"""Holds the source tree to the order in src/LAYERS.

Refused, each with file, line and what to do instead:
  - an include, or a USES, of a folder that is not on a line above;
  - an include of a folder that the library does not use (USES, and what those use in turn);
  - an include of another folder's private header: public is folder/folder.h and what it includes itself;
  - a third-party or system header in a public header, which may name base, lower public headers and std;
  - where a library has a LAYERS of its own: an include of one of its folders that is not on a line above;
  - an include cycle among files; a quoted include that is not written from src/ on;
  - a library with sources and no public header;
  - os/sim in what ships, os/real anywhere but in daemon.

Usage: check_layers.py [ROOT] [--quiet]        Exit 0 when the tree is in order, 1 when not.
"""
import os
import re
import sys

INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]')
CALL = re.compile(r'\blockstep_(?:library|program)\s*\(([^)]*)\)', re.S)
KEYWORDS = ('USES', 'PACKAGES', 'TEST_USES', 'TEST_PACKAGES', 'PROGRAM')
# Clients and the cluster simulation live beside src/. A client talks REST, so it sees nothing of the system.
OUTSIDE = {'cli': ['base'], 'sim': None, 'bench': None}  # None: every layer
TEST_ONLY = re.compile(r'_(test|fuzz|bench)\.cc$')
TEST_HEADER = re.compile(r'(^|/|_)testing\.h$')

STD = set('''
algorithm any array atomic barrier bit bitset cassert cctype cerrno cfenv cfloat charconv chrono cinttypes climits
clocale cmath codecvt compare complex concepts condition_variable coroutine csetjmp csignal cstdarg cstddef cstdint
cstdio cstdlib cstring ctime cuchar cwchar cwctype deque exception execution expected filesystem flat_map flat_set
format forward_list fstream functional future generator initializer_list iomanip ios iosfwd iostream istream iterator
latch limits list locale map mdspan memory memory_resource mutex new numbers numeric optional ostream print queue
random ranges ratio regex scoped_allocator semaphore set shared_mutex source_location span spanstream sstream stack
stacktrace stdexcept stdfloat stop_token streambuf string string_view strstream syncstream system_error thread tuple
type_traits typeindex typeinfo unordered_map unordered_set utility valarray variant vector version
'''.split())


class Tree:
  def __init__(self, root):
    self.root = root
    self.errors = []
    self.rank = self.read_layers('src')
    self.rooms = {}       # 'src/replica' -> {'model': 0, ...}
    self.libraries = {}   # 'os/real' -> {'USES': [...], 'TEST_USES': [...], 'at': 'src/os/real/CMakeLists.txt'}
    self.files = {}       # path from root -> [(line, kind, name)]
    self.walk()

  def error(self, where, text):
    self.errors.append(f'{where}: {text}')

  def read_layers(self, folder):
    with open(os.path.join(self.root, folder, 'LAYERS'), encoding='utf-8') as f:
      rows = [line.split('#')[0].split() for line in f]
    return {name: number for number, row in enumerate([r for r in rows if r]) for name in row}

  def walk(self):
    for top in ['src', *OUTSIDE]:
      for at, folders, names in os.walk(os.path.join(self.root, top)):
        folders.sort()
        if 'LAYERS' in names and at != os.path.join(self.root, 'src'):
          home = os.path.relpath(at, self.root)
          self.rooms[home] = self.read_layers(home)
        for name in sorted(names):
          full = os.path.join(at, name)
          path = os.path.relpath(full, self.root)
          if name == 'CMakeLists.txt':
            self.read_list(full, path)
          elif name.endswith(('.h', '.cc')):
            self.files[path] = self.read_includes(full)

  def read_list(self, full, path):
    with open(full, encoding='utf-8') as f:
      text = re.sub(r'#.*', '', f.read())
    for call in CALL.finditer(text):
      words = call.group(1).split()
      if not words:
        continue
      entry = {k: [] for k in KEYWORDS}
      entry['at'] = path
      key = None
      for word in words[1:]:
        if word in KEYWORDS:
          key = word
        elif key:
          entry[key].append(word)
      home = os.path.dirname(path)
      home = home[4:] if home.startswith('src/') else home
      if words[0] != home:
        self.error(path, f'the library is named {words[0]} but lives in {home}; name it by its folder')
      self.libraries[home] = entry

  @staticmethod
  def read_includes(full):
    found = []
    with open(full, encoding='utf-8', errors='replace') as f:
      for number, line in enumerate(f, 1):
        match = INCLUDE.match(line)
        if match:
          found.append((number, match.group(1), match.group(2)))
    return found

  # --- names

  @staticmethod
  def module(path):
    """'src/os/real/loop.cc' -> 'os/real/loop.cc';  'cli/main.cc' stays."""
    return path[4:] if path.startswith('src/') else path

  def folder(self, path):
    return self.module(path).split('/')[0]

  def library(self, path):
    """The innermost library that the file belongs to, or its folder when there is none."""
    at = os.path.dirname(self.module(path))
    while at:
      if at in self.libraries:
        return at
      at = os.path.dirname(at)
    return self.folder(path)

  def resolve(self, name):
    for path in ('src/' + name, name):
      if path in self.files:
        return path
    return None

  def sees(self, folder, other):
    if folder == other:
      return True
    if folder in OUTSIDE:
      allowed = OUTSIDE[folder]
      return other in self.rank if allowed is None else other in allowed
    if folder not in self.rank or other not in self.rank:
      return False
    return self.rank[other] < self.rank[folder]

  def closure(self, library, keys):
    done, todo = set(), [library]
    while todo:
      at = todo.pop()
      if at in done:
        continue
      done.add(at)
      entry = self.libraries.get(at)
      if entry:
        for key in keys if at == library else ('USES',):
          todo += entry[key]
    return done

  # --- checks

  def check(self):
    self.check_lists()
    public = self.public_headers()
    for path in sorted(self.files):
      self.check_file(path, public)
    self.check_cycles()
    return self.errors

  def check_lists(self):
    for library, entry in sorted(self.libraries.items()):
      folder = library.split('/')[0]
      at = entry['at']
      if folder not in self.rank and folder not in OUTSIDE:
        self.error(at, f'{folder} is not in src/LAYERS; add it at its place')
        continue
      for key in ('USES', 'TEST_USES'):
        for used in entry[key]:
          self.check_use(at, library, folder, key, used)
      prefix = os.path.dirname(at) + '/'
      has_source = any(p.startswith(prefix) and self.library(p) == library and p.endswith('.cc')
                       and not TEST_ONLY.search(p) for p in self.files)
      header = prefix + library.split('/')[-1] + '.h'
      if has_source and not entry['PROGRAM'] and header not in self.files:
        self.error(at, f'{library} has sources but no public header {header}')

  def check_use(self, at, library, folder, key, used):
    other = used.split('/')[0]
    if not self.sees(folder, other):
      self.error(at, f'{key} {used}: {folder} may not see {other}; only the lines above it in src/LAYERS')
    elif other == folder and not library.startswith(used + '/'):
      self.error(at, f'{key} {used}: within {folder}, a library uses only the one it lies in')
    elif key == 'USES':
      if used.startswith('os/sim') and folder != 'sim':
        self.error(at, 'USES os/sim: the simulation is for tests; say TEST_USES')
      elif used.startswith('os/real') and folder not in ('daemon', 'bench'):
        self.error(at, f'USES os/real: only daemon picks the real system; {folder} is given its parts')

  def public_headers(self):
    """For each library, the headers that others may include: its own x.h and what that includes of itself."""
    public = {}
    for path in self.files:
      module = self.module(path)
      library = self.library(path)
      if module != f'{library}/{library.split("/")[-1]}.h':
        continue
      reached, todo = set(), [path]
      while todo:
        at = todo.pop()
        if at in reached:
          continue
        reached.add(at)
        for _, kind, name in self.files[at]:
          other = self.resolve(name) if kind == '"' else None
          if other and self.library(other) == library:
            todo.append(other)
      public[library] = reached
    return public

  def check_file(self, path, public):
    folder, library = self.folder(path), self.library(path)
    test = bool(TEST_ONLY.search(path) or TEST_HEADER.search(path))
    is_public = path in public.get(library, ())
    seen = self.closure(library, ('USES', 'TEST_USES') if test else ('USES',))
    if folder not in self.rank and folder not in OUTSIDE:
      self.error(path, f'{folder} is not in src/LAYERS; add it at its place')
      return
    for line, kind, name in self.files[path]:
      where = f'{path}:{line}'
      if kind == '<':
        if is_public and name not in STD:
          self.error(where, f'public header includes <{name}>; only base, lower public headers and std may be '
                            'named here: move it into a .cc')
        continue
      other = self.resolve(name)
      if other is None:
        if not name.endswith('.pb.h'):
          if '/' in name and name.split('/')[0] in [*self.rank, *OUTSIDE] and self.sees(folder, name.split('/')[0]):
            continue  # not written yet: the compiler says so, to whom it concerns
          self.error(where, f'"{name}" is not a file of ours, written from src/ on; use <> for other people\'s')
        elif is_public:
          self.error(where, f'public header includes generated "{name}"; move it into a .cc')
        elif name.split('/')[0] != folder:
          self.error(where, f'"{name}" belongs to {name.split("/")[0]}; messages stay in their folder')
        continue
      self.check_include(where, path, library, test, seen, name, other, public)

  def check_include(self, where, path, library, test, seen, name, other, public):
    folder, target, target_library = self.folder(path), self.folder(other), self.library(other)
    if not self.sees(folder, target):
      self.error(where, f'{folder} may not see {target} ("{name}"); only the lines above it in src/LAYERS. '
                        'Declare what you need and be given it')
      return
    if target_library == library:
      if not test:
        self.check_rooms(where, path, name, other)
      return
    if target == folder and not library.startswith(target_library + '/'):
      if not test:
        self.error(where, f'{library} may not see {target_library} ("{name}"); it is beside or below')
      return
    if test and TEST_HEADER.search(other):
      return
    if target_library == 'os/sim' and not test and folder != 'sim':
      self.error(where, f'"{name}": the simulation is for tests and sim/')
    elif target_library == 'os/real' and not test and folder not in ('daemon', 'bench'):
      self.error(where, f'"{name}": only daemon picks the real system; take the interface from os/os.h')
    elif target_library in public and other not in public[target_library] and target_library != library:
      self.error(where, f'"{name}" is private to {target_library}; '
                        f'public is {target_library}/{target_library.split("/")[-1]}.h and what it includes')
    elif library in self.libraries and target_library not in seen:
      self.error(where, f'"{name}": {library} does not use {target_library}; add it to '
                        f'{"TEST_USES" if test else "USES"} in {self.libraries[library]["at"]}')

  def check_rooms(self, where, path, name, other):
    for home, rank in self.rooms.items():
      if not path.startswith(home + '/') or not other.startswith(home + '/'):
        continue
      mine, theirs = (os.path.relpath(os.path.dirname(p), home) for p in (path, other))
      if '.' in (mine, theirs) or mine == theirs:   # what lies at the top: the public header, and what all stand on
        continue
      if mine not in rank or theirs not in rank:
        self.error(where, f'{mine if mine not in rank else theirs} is not in {home}/LAYERS; add it at its place')
      elif rank[theirs] >= rank[mine]:
        self.error(where, f'{mine} may not see {theirs} ("{name}"); only the lines above it in {home}/LAYERS')

  def check_cycles(self):
    state, reported = {}, set()

    def visit(start):
      stack = [(start, iter(self.files[start]))]
      trail = [start]
      state[start] = 1
      while stack:
        at, includes = stack[-1]
        for _, kind, name in includes:
          other = self.resolve(name) if kind == '"' else None
          if other is None:
            continue
          if state.get(other) == 1:
            ring = trail[trail.index(other):] + [other]
            key = frozenset(ring)
            if key not in reported:
              reported.add(key)
              self.error(other, 'include cycle: ' + ' -> '.join(ring))
          elif other not in state:
            state[other] = 1
            trail.append(other)
            stack.append((other, iter(self.files[other])))
            break
        else:
          state[at] = 2
          trail.pop()
          stack.pop()

    for path in sorted(self.files):
      if path not in state:
        visit(path)


def main(argv):
  quiet = '--quiet' in argv
  rest = [a for a in argv if not a.startswith('--')]
  root = rest[0] if rest else os.path.join(os.path.dirname(os.path.abspath(__file__)), '..')
  tree = Tree(root)
  errors = tree.check()
  for error in errors:
    print(error, file=sys.stderr)
  if errors:
    print(f'layers: {len(errors)} wrong', file=sys.stderr)
    return 1
  if not quiet:
    print(f'layers: {len(tree.files)} files, {len(tree.libraries)} libraries in order')
  return 0


if __name__ == '__main__':
  sys.exit(main(sys.argv[1:]))
