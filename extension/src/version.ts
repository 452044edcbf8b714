import { VERSION } from './protocol';

/** What to update where the two sides are of different versions, else null; a kernel may be too old to say its own. */
export function mismatch(said: unknown, panel = VERSION): string | null {
  const kernel = typeof said === 'string' ? said : '';
  if (kernel === panel) {
    return null;
  }
  const theirs = kernel === '' ? 'an older version' : kernel;
  return compare(kernel, panel) < 0
    ? `The kernel has caffe_nb ${theirs}, this panel is of ${panel}: update caffe-nb in the kernel's environment and restart the kernel.`
    : `This panel is of caffe_nb ${panel}, the kernel has ${theirs}: update caffe-nb where JupyterLab runs and reload the page.`;
}

function compare(a: string, b: string): number {
  const parts = (text: string): number[] => text.split(/[^0-9]+/).map(Number);
  const [left, right] = [parts(a), parts(b)];
  for (let at = 0; at < Math.max(left.length, right.length); at++) {
    const apart = (left[at] ?? 0) - (right[at] ?? 0);
    if (apart !== 0) {
      return apart;
    }
  }
  return 0;
}
