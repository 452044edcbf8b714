import '@xyflow/react/dist/style.css';
import 'uplot/dist/uPlot.min.css';
import './base.css';
import './graph.css';
import './details.css';
import './tensor.css';
import './training.css';
