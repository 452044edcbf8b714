import { readFileSync } from 'node:fs';

import type { JupyterFrontEnd } from '@jupyterlab/application';
import { describe, expect, it, vi } from 'vitest';

import plugins from './index';

// JupyterLab itself does not run under jsdom; what it takes from the plugin can be looked at without it.
vi.mock('@jupyterlab/application', () => ({ ILayoutRestorer: {} }));
vi.mock('@jupyterlab/apputils', () => ({ ICommandPalette: {}, WidgetTracker: vi.fn() }));
vi.mock('@jupyterlab/docmanager', () => ({ IDocumentManager: {} }));
vi.mock('@jupyterlab/notebook', () => ({ INotebookTracker: {} }));
vi.mock('./icon', () => ({ icon: {} }));
vi.mock('./open', () => ({ makeOpener: vi.fn() }));
vi.mock('./panel', () => ({ CaffePanel: vi.fn() }));

const schema = readFileSync('extension/schema/plugin.json', 'utf8');

describe('the plugin list', () => {
  it('names every plugin under caffe-nb', () => {
    expect(plugins.length).toBeGreaterThan(0);
    expect(plugins.every(plugin => plugin.id.startsWith('caffe-nb:'))).toBe(true);
  });

  it('adds the commands that the schema puts into toolbars and menus', () => {
    const addCommand = vi.fn();
    const notebooks = { widgetAdded: { connect: vi.fn() }, forEach: vi.fn(), currentWidget: null };
    const app = { commands: { addCommand }, shell: {} } as unknown as JupyterFrontEnd;
    void plugins[0]?.activate(app, notebooks, {}, null, null);
    const added = addCommand.mock.calls.map(([id]: unknown[]) => id);
    const named = [...schema.matchAll(/"command": "([^"]+)"/g)].map(([, id]) => id);
    expect(named.length).toBeGreaterThan(0);
    expect(added).toEqual(expect.arrayContaining(named));
  });
});
