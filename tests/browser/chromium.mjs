// Starts the Chromium that is installed. Never downloads one: what is missing is said in one sentence.
import { accessSync, constants } from "node:fs";
import { delimiter, join } from "node:path";

const NAMES = ["chromium", "chromium-browser", "google-chrome"];
const FLAGS = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
  "--no-proxy-server",
];

// The same names in the same order as scripts/setup.sh.
function find() {
  if (process.env.NETILY_CHROMIUM) {
    return process.env.NETILY_CHROMIUM;
  }
  const folders = (process.env.PATH ?? "").split(delimiter);
  const found = NAMES.flatMap((name) => folders.map((folder) => join(folder, name))).find(isProgram);
  if (!found) {
    throw new Error("no Chromium was found: run `scripts/setup.sh browser`, or name one in NETILY_CHROMIUM");
  }
  return found;
}

function isProgram(path) {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

async function driver() {
  try {
    return (await import("playwright-core")).chromium;
  } catch {
    throw new Error("playwright-core was not found: run `scripts/setup.sh npm`");
  }
}

/** A headless Chromium. */
export async function launch() {
  const [chromium, executablePath] = [await driver(), find()];
  try {
    return await chromium.launch({ executablePath, args: FLAGS });
  } catch (fault) {
    throw new Error(`${executablePath} did not start: ${fault.message.split("\n")[0]}`);
  }
}
