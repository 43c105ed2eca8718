// node --import: simulates that the packages that describe DTOs are not installed.
import { register } from 'node:module';

register('./without-peers-hooks.mjs', import.meta.url);
