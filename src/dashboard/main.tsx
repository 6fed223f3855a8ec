import { render } from 'preact';
import { App } from './app.tsx';
import './styles/base.css';
import './styles/shell.css';
import './styles/parts.css';
import './styles/desk.css';
import './styles/documents.css';
import './styles/pages.css';

render(<App />, document.getElementById('app')!);
