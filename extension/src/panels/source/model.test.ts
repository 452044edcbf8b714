import { describe, expect, it } from 'vitest';

import { ago, diffLines, faultyLine, serverPath, sourceLines, tracebackOf } from './model';

describe('a listing', () => {
  it('numbers lines as the file does and marks the faulty one', () => {
    expect(sourceLines('class A:\n    pass\n', 12, 13)).toEqual([
      { number: 12, text: 'class A:', faulty: false },
      { number: 13, text: '    pass', faulty: true }
    ]);
  });
});

describe('a traceback', () => {
  const error = { message: 'it failed', path: '', line: 0, refused: false, not_finite: false };

  it('goes without marks that point at nothing in a folded line', () => {
    const traceback =
      '  File "a.py", line 8\n    y = x / np.two\n            ^^~~~~\nNameError: np\n^ is no mark';
    expect(tracebackOf({ ...error, traceback })).toBe(
      '  File "a.py", line 8\n    y = x / np.two\nNameError: np\n^ is no mark'
    );
  });

  it('is the message where there is none', () => {
    expect(tracebackOf({ ...error, traceback: '' })).toBe('it failed');
  });
});

describe('a comparison of versions', () => {
  it('tells what each line is', () => {
    const text = '--- layers v1\n+++ layers v2\n@@ -1,2 +1,2 @@\n-half\n+third\n same';
    expect(diffLines(text).map(line => line.kind)).toEqual([
      'file',
      'file',
      'place',
      'removed',
      'added',
      'same'
    ]);
    expect(diffLines('')).toEqual([]);
  });

  it.each([
    [3.9, '3 s ago'],
    [61, '1 min ago'],
    [7300, '2 h ago']
  ])('says how long ago %d seconds are', (seconds, words) => {
    expect(ago(seconds)).toBe(words);
  });
});

describe('the faulty line', () => {
  const source = { path: '/srv/layers.py', line: 12, module: 'layers', qualname: 'A' };
  const code = { kind: 'source_text', source, text: 'class A:\n    raise ValueError\n' } as const;
  const cell = { ...code, source: { ...source, path: '' } };
  const error = {
    message: 'ValueError',
    traceback: '  File "x.py", line 13, in forward\n    raise ValueError\n',
    path: '/srv/layers.py',
    line: 13,
    refused: false,
    not_finite: false
  };

  it('is the error’s where the error is in the same file', () => {
    expect(faultyLine(code, error)).toBe(13);
    expect(faultyLine(code, { ...error, path: '/srv/other.py' })).toBeNull();
    expect(faultyLine(code, null)).toBeNull();
  });

  it('is known in a cell by what the traceback quotes', () => {
    expect(faultyLine(cell, { ...error, path: '/tmp/ipykernel_7/8.py' })).toBe(13);
    expect(faultyLine(cell, { ...error, path: '/tmp/ipykernel_7/8.py', line: 12 })).toBeNull();
  });
});

describe('a path for the file browser', () => {
  it.each([
    ['/srv/nets/a/layers.py', '/srv/nets', 'a/layers.py'],
    ['/home/eve/nets/layers.py', '~/nets', 'layers.py'],
    ['/home/eve/layers.py', '~', 'layers.py'],
    ['/Users/eve/nets/layers.py', '~/nets/', 'layers.py'],
    ['C:\\Users\\eve\\nets\\layers.py', '~\\nets', 'layers.py'],
    ['/srv/netsuite/layers.py', '/srv/nets', null],
    ['/usr/lib/layers.py', '~/nets', null]
  ])('%s under %s is %s', (path, root, expected) => {
    expect(serverPath(path, root)).toBe(expected);
  });
});
