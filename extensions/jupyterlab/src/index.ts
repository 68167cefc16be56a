import { ILabShell, JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';
import { ICommandPalette } from '@jupyterlab/apputils';
import { IDefaultFileBrowser } from '@jupyterlab/filebrowser';
import { ILauncher } from '@jupyterlab/launcher';
import { INotebookTracker } from '@jupyterlab/notebook';
import { ISettingRegistry } from '@jupyterlab/settingregistry';
import { IStatusBar } from '@jupyterlab/statusbar';

import { batch, capture, doing, open, share } from './actions';
import { icon, runIcon } from './icon';
import { logTab } from './log';
import { Panel } from './panel';
import { Status } from './status';
import { Watching } from './watching';

const ID = 'deployment-workbench-jupyterlab:plugin';
const CATEGORY = 'Workbench';

const plugin: JupyterFrontEndPlugin<void> = {
  id: ID,
  description: 'Models, deployments, runs and schedules beside the notebook',
  autoStart: true,
  // All optional: Voila loads every extension too, and has no notebooks to steer; there this stays quiet. Notebook 7 has
  // a page for each notebook, without launcher and status bar.
  optional: [ILabShell, ICommandPalette, IDefaultFileBrowser, ILauncher, INotebookTracker, ISettingRegistry, IStatusBar],
  activate
};

export default plugin;

function activate(
  app: JupyterFrontEnd,
  lab: ILabShell | null,
  palette: ICommandPalette | null,
  files: IDefaultFileBrowser | null,
  launcher: ILauncher | null,
  notebooks: INotebookTracker | null,
  settings: ISettingRegistry | null,
  bar: IStatusBar | null
): void {
  if (!notebooks && !files) {
    return;
  }
  const shell = app.shell;
  let panel: Panel | null = null;
  const watching = new Watching(() => Boolean(panel?.isVisible));
  const after = (done: Promise<unknown>) => void done.then(() => watching.now());
  panel = new Panel(watching, (word, thing) => after(press(word, thing)));
  shell.add(panel, 'left', { rank: 900 });

  const openLog = (name: string) => {
    const id = `workbench-log-${name}`;
    const area = lab ? 'main' : 'down'; // Notebook 7 has one thing in the middle
    if (![...shell.widgets(area)].some(widget => widget.id === id)) {
      shell.add(logTab(name), area);
    }
    shell.activateById(id);
  };
  watching.openLog = openLog;

  async function press(word: string, thing: string): Promise<void> {
    if (word === 'log') {
      openLog(thing);
    } else if (word === 'open') {
      await open(thing);
    } else {
      await doing(word, { [word === 'serve' || word === 'promote' ? 'model' : 'name']: thing.replace(word === 'serve' ? /@.*/ : '', '') });
    }
  }

  const selected = () => [...(files?.selectedItems() ?? [])].find(item => item.type === 'notebook')?.path;
  const current = () => notebooks?.currentWidget?.context.path;
  const add = (id: string, label: string, execute: () => Promise<unknown> | void, isEnabled = () => true, shown = icon) => {
    app.commands.addCommand(`workbench:${id}`, { label, caption: label, icon: shown, isEnabled, execute: () => after(Promise.resolve(execute())) });
    palette?.addItem({ command: `workbench:${id}`, category: CATEGORY });
  };
  const withPath = (path: () => string | undefined, use: (path: string) => Promise<void>) => () => {
    const found = path();
    return found ? use(found) : undefined;
  };
  const isNotebook = () => Boolean(current());

  add('show', 'Show the panel', () => shell.activateById('workbench-panel'));
  add('capture', 'Capture as model…', () => (notebooks?.currentWidget ? capture(notebooks.currentWidget) : undefined), isNotebook);
  add('batch-this', 'Run this notebook as batch…', withPath(current, path => batch(path, false)), isNotebook, runIcon);
  add('schedule-this', 'Schedule this notebook…', withPath(current, path => batch(path, true)), isNotebook);
  add('share-this', 'Share this notebook as app…', withPath(current, share), isNotebook);
  app.commands.addCommand('workbench:batch', { label: 'Run as batch…', icon: runIcon, execute: withPath(selected, path => batch(path, false)) });
  app.commands.addCommand('workbench:schedule', { label: 'Schedule…', icon, execute: withPath(selected, path => batch(path, true)) });
  app.commands.addCommand('workbench:share', { label: 'Share as app…', icon, execute: withPath(selected, share) });

  launcher?.add({ command: 'workbench:show', category: CATEGORY, rank: 0 });
  bar?.registerStatusItem('workbench:status', {
    item: new Status(watching, () => shell.activateById('workbench-panel')),
    align: 'left',
    rank: 90
  });
  void settings?.load(ID).then(found => {
    const apply = () => {
      watching.interval = found.composite.interval as number;
      watching.notify = found.composite.notify as boolean;
    };
    found.changed.connect(apply);
    apply();
  });
}
