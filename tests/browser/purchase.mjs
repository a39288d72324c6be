// Buys time on the WiFi in a browser without scripts, as a guest does, and looks at every page on the way.
// node purchase.mjs --url http://yellow.localhost:8000 --router rtr_… --sandbox http://127.0.0.1:… --sandbox-router yellow-market
//   --second-router rtr_… --second-sandbox-router yellow-stage [--first-guest 100]
// Prints what happened as JSON; pictures go to the folder NETILY_SCREENSHOTS. Asks nothing of the server but its pages.
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { launch } from "./chromium.mjs";
import { buy, captiveAddress, captiveContext, guest, must, says, sessionId } from "./guest.mjs";
import { loginPage, wantedSite } from "./loopback.mjs";
import { Sandbox } from "./sandbox.mjs";
import { states, tour } from "./tour.mjs";

const LONGEST_MS = 240_000;

/** A device that the router sees is online without another tap, and is led to the page that was wanted at first. */
async function goesOnline({ browser, sandbox, place, person, picture }) {
  const who = person(0);
  const site = await wantedSite();
  const context = await captiveContext(browser);
  const page = await context.newPage();
  await sandbox.join(place.sandboxRouter, who);
  await page.goto(captiveAddress(place, who, { login: `${place.url}/login`, wanted: site.url }));
  await picture(page, "1-plans");
  const address = await buy(page, who);
  await says(page, "Check your phone");
  await picture(page, "2-waiting");
  const prompt = await sandbox.answer(who.phone, "accept");
  await says(page, "You are online");
  await picture(page, "3-online");
  site.open();
  await page.waitForURL(site.url);
  await context.close();
  site.end();
  return { ...who, session_id: sessionId(address), address, amount_asked: prompt.amount, arrived_at: site.url };
}

/** A device that the router does not see sends the router's login form with what it is given. */
async function sendsLoginForm({ browser, sandbox, place, person, picture }) {
  const who = person(1);
  const site = await wantedSite();
  const login = await loginPage((form) => sandbox.logIn(place.sandboxRouter, who, form));
  const context = await captiveContext(browser);
  const page = await context.newPage();
  await page.goto(captiveAddress(place, who, { login: login.url, wanted: site.url }));
  const address = await buy(page, who);
  await sandbox.answer(who.phone, "accept");
  await says(page, "One tap and you are online");
  await picture(page, "4-one-tap");
  await sandbox.join(place.sandboxRouter, who);
  site.open();
  await page.getByRole("button", { name: "Go online" }).click();
  await page.waitForURL(site.url);
  await context.close();
  site.end();
  login.end();
  return { ...who, session_id: sessionId(address), address, posted: login.posted, arrived_at: site.url };
}

/** Who cancels is told that nothing was paid, and finds the same plan chosen when trying again. */
async function cancels({ browser, sandbox, place, person, picture }) {
  const who = person(2);
  const context = await captiveContext(browser);
  const page = await context.newPage();
  await page.goto(captiveAddress(place, who, { login: `${place.url}/login`, wanted: `${place.url}/` }));
  const address = await buy(page, who);
  await says(page, "Check your phone");
  await sandbox.answer(who.phone, "cancel");
  await says(page, "Payment cancelled");
  await picture(page, "5-cancelled");
  const told = await page.getByRole("status").innerText();
  await page.getByRole("link", { name: "Try again" }).click();
  await page.waitForURL(`**/hotspot/${place.router}?**`);
  const isChosen = await page.locator("label.plan input").first().isChecked();
  must(isChosen, "the plan that was chosen before is no longer chosen when trying again");
  await context.close();
  return { ...who, session_id: sessionId(address), address, told };
}

function read() {
  const needed = ["url", "router", "sandbox", "sandbox-router", "second-router", "second-sandbox-router"];
  const options = Object.fromEntries([...needed, "first-guest"].map((name) => [name, { type: "string" }]));
  const { values } = parseArgs({ options });
  for (const name of needed) {
    must(values[name], `--${name} is missing`);
  }
  const place = { url: values.url, router: values.router, sandboxRouter: values["sandbox-router"] };
  const second = { url: values.url, router: values["second-router"], sandboxRouter: values["second-sandbox-router"] };
  const first = Number(values["first-guest"] ?? 0);
  return { sandbox: new Sandbox(values.sandbox), place, second, person: (number) => guest(first + number) };
}

function pictures() {
  const folder = process.env.NETILY_SCREENSHOTS;
  if (!folder) {
    return async () => {};
  }
  mkdirSync(folder, { recursive: true });
  return (page, name) => page.screenshot({ path: join(folder, `${name}.png`), fullPage: true });
}

async function main() {
  const told = read();
  // Never opened: a page that leads there stays in sight.
  const [browser, never] = await Promise.all([launch(), wantedSite()]);
  try {
    const all = { browser, picture: pictures(), ...told };
    const [online, login_form, cancelled, reached] = await Promise.all([goesOnline(all), sendsLoginForm(all), cancels(all), states(all, never.url)]);
    const layout = await tour({ ...all, online, login_form, cancelled, reached }, never.url);
    return { online, login_form, cancelled, layout };
  } finally {
    await browser.close();
    never.end();
  }
}

function fail(sentence) {
  console.error(`purchase.mjs: ${sentence}`);
  process.exit(1);
}

setTimeout(() => fail(`not done after ${LONGEST_MS / 1000} s`), LONGEST_MS).unref();
try {
  console.log(JSON.stringify(await main()));
} catch (fault) {
  fail(fault.message.split("\n")[0]);
}
