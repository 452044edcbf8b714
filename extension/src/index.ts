import type { JupyterFrontEndPlugin } from '@jupyterlab/application';

import { panelPlugin } from './plugin';

const plugins: JupyterFrontEndPlugin<unknown>[] = [panelPlugin];
export default plugins;
