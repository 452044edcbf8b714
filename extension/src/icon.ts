import { LabIcon } from '@jupyterlab/ui-components';

/** Three layers and the blobs between them. */
export const icon = new LabIcon({
  name: 'caffe-nb:net',
  svgstr: `<svg xmlns="http://www.w3.org/2000/svg" width="16" viewBox="0 0 16 16">
  <g class="jp-icon3" fill="#616161">
    <rect x="1" y="1" width="9" height="3.4" rx="1"/>
    <rect x="4" y="6.3" width="9" height="3.4" rx="1"/>
    <rect x="1" y="11.6" width="9" height="3.4" rx="1"/>
    <path d="M5 4.4h1.2v1.9H5zM6.5 9.7h1.2v1.9H6.5z"/>
    <path d="M13 2.2h-3v1h2v9.6h-2v1h3z" opacity=".6"/>
  </g>
</svg>`
});
