import { describe, expect, it } from 'vitest';

import { VERSION } from './protocol';
import { mismatch } from './version';

describe('versions of the two sides', () => {
  it('are compared, and the older side is to be updated', () => {
    expect(mismatch('0.9.0', '0.10.0')).toContain("update caffe-nb in the kernel's environment");
    expect(mismatch('', '0.1.0')).toContain('an older version');
    expect(mismatch('1.0', '0.10.0')).toContain('update caffe-nb where JupyterLab runs');
  });

  it('are not mentioned where they are the same', () => {
    expect(mismatch(VERSION)).toBeNull();
    expect(mismatch(undefined)).toContain('an older version');
    expect(mismatch(7)).toContain('an older version');
  });
});
