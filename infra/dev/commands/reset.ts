import { removeDevDirectory } from '../processes/server-directory.js';

// `npm run reset`: forgets every order of `npm start`. Refuses while it runs.
await removeDevDirectory((line) => console.log(line));
console.log('the local state is deleted; the next "npm start" begins with empty databases');
