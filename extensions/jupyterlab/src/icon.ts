import { LabIcon } from '@jupyterlab/ui-components';

/** A bench with a vice: two strokes, in the colours of the theme. */
export const icon = new LabIcon({
  name: 'deployment-workbench:icon',
  svgstr: `<svg xmlns="http://www.w3.org/2000/svg" width="16" viewBox="0 0 24 24">
  <path class="jp-icon3" fill="#616161" d="M2 9h20v3h-2v9h-3v-5H7v5H4v-9H2zm5 3v2h10v-2zM13 3h6v4h-2V5h-2v2h-2z"/>
</svg>`
});

/** The same with something that runs on it. */
export const runIcon = new LabIcon({
  name: 'deployment-workbench:run-icon',
  svgstr: `<svg xmlns="http://www.w3.org/2000/svg" width="16" viewBox="0 0 24 24">
  <path class="jp-icon3" fill="#616161" d="M2 11h20v3h-2v7h-3v-5H7v5H4v-7H2zM9 1l7 4-7 4z"/>
</svg>`
});
