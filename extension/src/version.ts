import { VERSION } from './protocol';

/** Says once for a kernel whether its caffe_nb is another version than this extension's, and what to update. */
export class VersionCheck {
  look(kernel: unknown, say: (text: string) => void): void {
    const found = typeof kernel === 'string' ? kernel : '';
    if (found !== VERSION && found !== this.#said) {
      say(mismatch(found, VERSION));
    }
    this.#said = found;
  }

  #said: string | null = null;
}

/** What to do about two versions that differ; the kernel's is empty when it is too old to say. */
export function mismatch(kernel: string, panel: string): string {
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
