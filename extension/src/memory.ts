import type { Wire } from './wire';

/*
 * What this browser tab remembers of a kernel over a page reload: that it was heard from, so that it is asked at once
 * while others are left alone, and the subshell of the page that is gone.
 */

const key = (kernel: string): string => `caffe-nb:${kernel}`;

export function wasGreeted(kernel: string): boolean {
  return window.sessionStorage.getItem(key(kernel)) !== null;
}

export function greet(kernel: string): void {
  if (!wasGreeted(kernel)) {
    window.sessionStorage.setItem(key(kernel), '');
  }
}

/** Note the subshell that is used now, and end the one that was used before. */
export function replaceSubshell(wire: Wire, subshell: string | null): void {
  const old = window.sessionStorage.getItem(key(wire.kernel.id));
  if (old && old !== subshell) {
    wire.deleteSubshell(old);
  }
  window.sessionStorage.setItem(key(wire.kernel.id), subshell ?? '');
}
