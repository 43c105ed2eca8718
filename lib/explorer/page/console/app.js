import { $ } from '../dom.js';

$('view').textContent = 'The console is not finished yet.';
