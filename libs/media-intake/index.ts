export { cleanFileName, fileNameInHeader, fileNameInUrl } from './file-name.js';
export {
  type IncomingFile,
  mediaFolder,
  MediaIntake,
  type MediaIntakeOptions,
  type MediaPlace,
} from './media-intake.js';
export { fileTooLarge } from './upload-meter.js';
