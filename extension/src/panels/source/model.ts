import type { LayerError, SourceText } from '../../protocol';

/** A line of a layer's code as it is shown. */
export interface ISourceLine {
  number: number;
  text: string;
  /** Whether the error is here. */
  faulty: boolean;
}

/** Number the lines of a class's text from its first line, and mark the one where the error is. */
export function sourceLines(text: string, first: number, faulty: number | null): ISourceLine[] {
  const lines = text.replace(/\n$/, '').split('\n');
  const start = Math.max(1, first);
  return lines.map((line, at) => ({ number: start + at, text: line, faulty: start + at === faulty }));
}

/** The line of a listing where the error is; null where it is elsewhere. */
export function faultyLine({ source, text }: SourceText, error: LayerError | null): number | null {
  if (error === null || error.line <= 0) {
    return null;
  }
  if (source.path !== '') {
    return error.path === source.path ? error.line : null;
  }
  // A class of the notebook: cells have no path to compare, but the traceback quotes the line.
  const line = text.split('\n')[error.line - Math.max(1, source.line)]?.trim() ?? '';
  return line !== '' && error.traceback.includes(line) ? error.line : null;
}

/** What is shown of an error; without Python's marks below a line, which point elsewhere when the line is folded. */
export function tracebackOf({ traceback, message }: LayerError): string {
  return (traceback || message)
    .split('\n')
    .filter(line => !/^\s+[~^]+$/.test(line))
    .join('\n');
}

/** Home folders: the server writes its own as `~` and does not say which it is. */
const HOME = /^(?:[A-Za-z]:)?\/(?:root|(?:home|Users)\/[^/]+)(?=\/)/;

/** Path of a file as JupyterLab's file browser knows it; null where it is outside the server's folder. */
export function serverPath(path: string, root: string): string | null {
  const file = path.replaceAll('\\', '/');
  const folder = root.replaceAll('\\', '/').replace(/\/$/, '');
  if (folder.startsWith('~')) {
    const home = HOME.exec(file)?.[0];
    return home === undefined ? null : serverPath(file, home + folder.slice(1));
  }
  return file.startsWith(`${folder}/`) ? file.slice(folder.length + 1) : null;
}

/** A line of a unified diff. */
export interface IDiffLine {
  kind: 'file' | 'place' | 'added' | 'removed' | 'same';
  text: string;
}

/** The lines of a unified diff by what they are. */
export function diffLines(text: string): IDiffLine[] {
  return text === '' ? [] : text.split('\n').map(line => ({ kind: diffKind(line), text: line }));
}

function diffKind(line: string): IDiffLine['kind'] {
  if (/^(---|\+\+\+) /.test(line)) {
    return 'file';
  }
  if (line.startsWith('@@')) {
    return 'place';
  }
  return line.startsWith('+') ? 'added' : line.startsWith('-') ? 'removed' : 'same';
}

/** How long ago something was, in words. */
export function ago(seconds: number): string {
  if (seconds < 60) {
    return `${Math.floor(seconds)} s ago`;
  }
  return seconds < 3600 ? `${Math.floor(seconds / 60)} min ago` : `${Math.floor(seconds / 3600)} h ago`;
}
