export { type ForgedUrl, forgedUrls } from './testing/forged-urls.js';
