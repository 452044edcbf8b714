import type { JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';
import { ILayoutRestorer } from '@jupyterlab/application';
import { ICommandPalette, WidgetTracker } from '@jupyterlab/apputils';
import { IDocumentManager } from '@jupyterlab/docmanager';
import { INotebookTracker } from '@jupyterlab/notebook';
import { IStateDB } from '@jupyterlab/statedb';

import type { IChosen } from './choice';
import { readChosen } from './choice';
import { icon } from './icon';
import { Keeper } from './keeper';
import { makeOpener } from './open';
import { CaffePanel } from './panel';
import { Layouter } from './panels/graph/layout';
import { Sessions } from './sessions';

const OPEN = 'caffe-nb:open';

/** The panel beside the notebook: its command, its place, and its coming back after a page reload. */
export const panelPlugin: JupyterFrontEndPlugin<void> = {
  id: 'caffe-nb:plugin',
  description: 'Looks into the Caffe nets of a notebook’s kernel.',
  autoStart: true,
  requires: [INotebookTracker, IDocumentManager],
  optional: [ICommandPalette, ILayoutRestorer, IStateDB],
  activate: (
    app: JupyterFrontEnd,
    notebooks: INotebookTracker,
    documents: IDocumentManager,
    palette: ICommandPalette | null,
    restorer: ILayoutRestorer | null,
    state: IStateDB | null
  ): void => {
    const panels = new WidgetTracker<CaffePanel>({ namespace: 'caffe-nb' });
    const sessions = new Sessions(notebooks);
    const layouter = new Layouter();
    const openFile = makeOpener(documents);
    const keeper = new Keeper(state);

    const makePanel = (path: string, kept: Partial<IChosen>): CaffePanel => {
      const openNotebook = (which: string): void => {
        documents.openOrReveal(which, 'default', undefined, { ref: panel.id, mode: 'split-left' });
      };
      const panel: CaffePanel = new CaffePanel({
        path,
        kept,
        sessions,
        layouter,
        openFile,
        openNotebook,
        keeper
      });
      panel.title.icon = icon;
      panel.keptChanged.connect(() => void panels.save(panel));
      void panels.add(panel);
      return panel;
    };

    /** Show the panel of a notebook beside it; without a path, that of the current notebook. */
    const open = (wanted: string, activate: boolean, kept: Partial<IChosen> = {}): void => {
      const path = wanted || notebooks.currentWidget?.context.path;
      if (path === undefined) {
        return;
      }
      const panel = panels.find(known => known.path === path) ?? makePanel(path, kept);
      if (!panel.isAttached) {
        const ref = sessions.find(path)?.notebook.id;
        app.shell.add(panel, 'main', { mode: 'split-right', activate, ...(ref ? { ref } : {}) });
      }
      if (activate) {
        app.shell.activateById(panel.id);
      }
    };

    app.commands.addCommand(OPEN, {
      label: args => (args.toolbar ? '' : 'Inspect Caffe Nets'),
      caption: 'Look into the Caffe nets of this notebook’s kernel',
      icon,
      describedBy: {
        args: {
          type: 'object',
          properties: {
            path: { type: 'string', description: 'The notebook; the current one if left out.' },
            layer: { type: ['string', 'null'], description: 'The layer that is selected at first.' },
            tab: { type: 'string', description: 'The tab that is open at first.' },
            toolbar: { type: 'boolean', description: 'Whether the command stands in a toolbar.' }
          }
        }
      },
      isEnabled: args => typeof args.path === 'string' || notebooks.currentWidget !== null,
      execute: args =>
        open(typeof args.path === 'string' ? args.path : '', args.restored !== true, readChosen(args))
    });
    palette?.addItem({ command: OPEN, category: 'Notebook Operations' });
    sessions.inspectRequested.connect((_, { notebook }) => open(notebook.context.path, false));

    if (restorer) {
      void restorer.restore(panels, {
        command: OPEN,
        args: panel => ({ ...panel.kept, path: panel.path, restored: true }),
        name: panel => panel.path
      });
    }
  }
};
