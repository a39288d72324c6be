// Takes the picture in README.md: the plans, the prompt on the phone, and the page that says online. Judges nothing.
// node pictures.mjs --url http://yellow.localhost:8000 --router rtr_… --sandbox http://127.0.0.1:… --sandbox-router yellow-market --out purchase.png
import { writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { launch } from "./chromium.mjs";
import { buy, captiveAddress, captiveContext, guest, says } from "./guest.mjs";
import { wantedSite } from "./loopback.mjs";
import { Sandbox } from "./sandbox.mjs";

const SHAPE = { viewport: { width: 360, height: 784 }, deviceScaleFactor: 1.25 };
const CAPTIONS = ["Pick a plan", "Answer the prompt", "Online"];

const text = { type: "string" };
const { values } = parseArgs({ options: { url: text, router: text, sandbox: text, "sandbox-router": text, out: text } });
const place = { url: values.url, router: values.router };
const [who, sandbox, site, browser] = [guest(0), new Sandbox(values.sandbox), await wantedSite(), await launch()];

const portal = await (await captiveContext(browser, SHAPE)).newPage();
await sandbox.join(values["sandbox-router"], who);
await portal.goto(captiveAddress(place, who, { login: `${place.url}/login`, wanted: site.url }));
await portal.locator("label.plan").first().click();
await portal.getByLabel("Your M-Pesa number").fill(who.typed);
await portal.locator("h1").click();
const plans = await portal.screenshot();
await buy(portal, who);

const phone = await (await browser.newContext({ ...SHAPE, isMobile: true })).newPage();
await sandbox.prompt(who.phone);
await phone.goto(`${values.sandbox}/phone?msisdn=${who.phone}`);
await phone.getByRole("button", { name: "Accept" }).waitFor();
const prompt = await phone.screenshot({ animations: "disabled" });
await sandbox.answer(who.phone, "accept");
await says(portal, "You are online");
const online = await portal.screenshot();

const figure = (png, caption) => `<figure><img src="data:image/png;base64,${png.toString("base64")}"><figcaption>${caption}</figcaption></figure>`;
const sheet = await (await browser.newContext({ viewport: { width: 1240, height: 900 }, deviceScaleFactor: 1.25 })).newPage();
await sheet.setContent(`<!doctype html><style>
  body { display: inline-flex; gap: 36px; margin: 0; padding: 36px; background: #f4f6f8; font: 600 17px system-ui, sans-serif; color: #333c47; }
  figure { margin: 0; text-align: center; }
  img { display: block; width: 360px; border: 8px solid #15202b; border-radius: 34px; }
  figcaption { padding-top: 14px; }
</style>${[plans, prompt, online].map((png, at) => figure(png, `${at + 1}. ${CAPTIONS[at]}`)).join("")}`);
writeFileSync(values.out, await sheet.locator("body").screenshot());
await browser.close();
site.end();
