import { describe, expect, it, vi } from 'vitest';

import { VERSION } from './protocol';
import { VersionCheck, mismatch } from './version';

describe('versions of the two sides', () => {
  it('are compared, and the older side is to be updated', () => {
    expect(mismatch('0.9.0', '0.10.0')).toContain("update caffe-nb in the kernel's environment");
    expect(mismatch('', '0.1.0')).toContain('an older version');
    expect(mismatch('1.0', '0.10.0')).toContain('update caffe-nb where JupyterLab runs');
  });

  it('are said once, and again after a kernel with another one', () => {
    const check = new VersionCheck();
    const say = vi.fn();
    check.look(VERSION, say);
    expect(say).not.toHaveBeenCalled();
    check.look('9.0', say);
    check.look('9.0', say);
    expect(say).toHaveBeenCalledTimes(1);
    check.look(undefined, say);
    expect(say).toHaveBeenCalledTimes(2);
  });
});
