import { removeDevDirectory } from '../processes/server-directory.js';

// `npm run reset` deletes the local state of `npm start`, every order included. It refuses while `npm start` is
// running.
await removeDevDirectory((line) => console.log(line));
console.log('deleted the local state; the next "npm start" begins with empty databases');
