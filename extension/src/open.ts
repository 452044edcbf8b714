import { PageConfig } from '@jupyterlab/coreutils';
import type { IDocumentManager } from '@jupyterlab/docmanager';
import { FileEditor } from '@jupyterlab/fileeditor';
import type { IDocumentWidget } from '@jupyterlab/docregistry';

import { serverPath } from './panels/source/model';

/** Opens a file at a line, in a tab after the widget `beside`; false where the server does not reach it. */
export type FileOpener = (path: string, line: number, beside: string | null) => Promise<boolean>;

/** Opens the kernel's files in JupyterLab's editor, where the server reaches them. */
export function makeOpener(documents: IDocumentManager): FileOpener {
  return async (path, line, beside) => {
    const file = serverPath(path, PageConfig.getOption('serverRoot'));
    if (file === null) {
      return false;
    }
    try {
      await documents.services.contents.get(file, { content: false });
    } catch {
      return false; // the kernel runs elsewhere, or the file is gone
    }
    const widget: IDocumentWidget | undefined = documents.openOrReveal(
      file,
      'default',
      undefined,
      beside === null ? {} : { ref: beside, mode: 'tab-after' }
    );
    await widget?.revealed;
    if (widget?.content instanceof FileEditor) {
      const place = { line: Math.max(0, line - 1), column: 0 };
      widget.content.editor.setCursorPosition(place);
      widget.content.editor.revealPosition(place);
    }
    return widget !== undefined;
  };
}
