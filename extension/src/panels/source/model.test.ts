import { describe, expect, it } from 'vitest';

import { serverPath, sourceLines } from './model';

describe('a listing', () => {
  it('numbers lines as the file does and marks the faulty one', () => {
    expect(sourceLines('class A:\n    pass\n', 12, 13)).toEqual([
      { number: 12, text: 'class A:', faulty: false },
      { number: 13, text: '    pass', faulty: true }
    ]);
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
