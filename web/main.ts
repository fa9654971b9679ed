import { mount } from 'svelte';
import App from './App.svelte';
import './core/theme.css';

const target = document.getElementById('app');
if (!target) throw new Error('the page has no place for the console: an element with the id "app" is missing');
mount(App, { target });
