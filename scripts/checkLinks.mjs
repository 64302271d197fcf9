// Fails where a Markdown page of the project has a link that leads nowhere: `npm run links`.
import { fileURLToPath } from "node:url";
import { linkComplaints, markdownPages } from "./check/markdownLinks.mjs";

const root = fileURLToPath(new URL("..", import.meta.url));
const complaints = linkComplaints(root);
for (const complaint of complaints) console.error(complaint);
if (complaints.length > 0) process.exitCode = 1;
else console.log(`The links of ${markdownPages(root).length} pages lead somewhere.`);
