// Brings about the states that a guest can be in and measures their pages: English and Swahili, narrow and wide, light and dark.
import { buy, captiveAddress, captiveContext, must, says, sessionId } from "./guest.mjs";
import { faults } from "./layout.mjs";

// Each width and each colour once: what overflows does not depend on colours, nor what is too pale on widths.
const SHAPES = [
  { width: 320, colorScheme: "dark" },
  { width: 360, colorScheme: "light" },
  { width: 1280, colorScheme: "light" },
];
const TOLD = 8;
const LANGUAGES = ["en", "sw"];

/** Buys, lets something happen, and gives the address once the page says what it must. */
async function reach(context, place, who, wanted, happens, title) {
  const page = await context.newPage();
  await page.goto(captiveAddress(place, who, { login: `${place.url}/login`, wanted }));
  const address = await buy(page, who);
  await happens();
  await says(page, title);
  await page.close();
  return address;
}

function within(address, tail, more = {}) {
  const url = new URL(address);
  url.pathname += tail;
  for (const [name, value] of Object.entries(more)) {
    url.searchParams.set(name, value);
  }
  return url.href;
}

async function send(page, fields) {
  for (const [name, value] of Object.entries(fields)) {
    await page.locator(`[name=${name}]`).fill(value);
  }
  await page.locator("button").click();
}

async function order(page, plan, phone) {
  await page.locator("label.plan").nth(plan).click();
  await send(page, { phone });
}

/** Brings about, at once, the states of a purchase that take a while: the address of each. */
export async function states({ browser, sandbox, place, second, person }, wanted) {
  const context = await captiveContext(browser);
  const at = (number, here, happens, title) => {
    const who = person(number);
    return reach(context, here, who, wanted, () => happens(who.phone), title);
  };
  const answers = (answer) => (phone) => sandbox.answer(phone, answer);
  const fails = (code) => (phone) => sandbox.fail(phone, code);
  await sandbox.power(second.sandboxRouter, "off");
  const reached = await Promise.all([
    at(4, place, answers("wrong_pin"), "The PIN was not right"),
    at(5, place, answers("insufficient"), "Not enough money in M-Pesa"),
    at(6, place, fails(1037), "No answer in time"),
    at(7, place, fails(4), "M-Pesa limit reached"),
    at(8, place, fails(26), "The payment did not go through"),
    at(9, second, answers("accept"), "Paid. The WiFi is not answering"),
    // Last, since its prompt lives for a minute.
    at(3, place, (phone) => sandbox.prompt(phone), "Check your phone"),
  ]);
  await context.close();
  const [wrongPin, noMoney, timedOut, limit, gateway, offline, waiting] = reached;
  return { wrongPin, noMoney, timedOut, limit, gateway, offline, waiting };
}

/** Every page by name: its address, and what is done there first. The page that waits for a PIN comes first. */
function pages({ place, person, online, login_form, cancelled, reached }, wanted) {
  const plans = captiveAddress(place, person(10), { login: `${place.url}/login`, wanted });
  return [
    ["waiting", reached.waiting],
    ["plans-busy-phone", plans, (page) => order(page, 1, person(3).phone)],
    ["plans-wrong-phone", plans, (page) => order(page, 0, "0712")],
    ["plans", plans],
    ["paid-router-offline", reached.offline],
    ["cancelled", cancelled.address],
    ["wrong-pin", reached.wrongPin],
    ["insufficient-funds", reached.noMoney],
    ["timed-out", reached.timedOut],
    ["limit-exceeded", reached.limit],
    ["gateway-error", reached.gateway],
    ["online", within(online.address, "", { "link-orig": wanted })],
    ["one-tap", login_form.address],
    ["resume", within(plans, "/resume")],
    ["resume-not-found", within(plans, "/resume"), (page) => send(page, { phone: person(3).phone, receipt: "QK12AB34CD" })],
    ["not-me", within(plans, "/not-me")],
    ["not-me-done", within(plans, "/not-me"), (page) => send(page, { phone: person(11).phone })],
    ["unknown-purchase", within(plans, `/purchase/${sessionId(online.address)}0`)],
    ["unknown-router", plans.replace(place.router, "rtr_nobody")],
    ["unknown-isp", plans.replace("//yellow.", "//nobody.")],
  ];
}

/** Measures a page in every size and colour. One that reloads itself meanwhile is measured again. */
async function measure(page, name, lang, picture) {
  const found = [];
  for (const { width, colorScheme } of SHAPES) {
    await page.emulateMedia({ colorScheme });
    await page.setViewportSize({ width, height: width > 1000 ? 800 : 740 });
    const seen = await faults(page, lang).catch(() => page.waitForLoadState().then(() => faults(page, lang)));
    found.push(...seen.map((fault) => `${name} (${lang}, ${width} px, ${colorScheme}) ${fault}`));
    await picture(page, `${name}-${lang}-${width}-${colorScheme}`);
  }
  return found;
}

/** Goes through every page; any fault fails it. Tells which pages it saw. */
export async function tour(all, wanted) {
  const { browser, sandbox, second, picture } = all;
  const every = pages(all, wanted);
  const found = await Promise.all(
    LANGUAGES.map(async (lang) => {
      // A window that takes every size: a page that is too wide must not shrink in it as on a phone.
      const context = await captiveContext(browser, { isMobile: false });
      const page = await context.newPage();
      const seen = [];
      for (const [name, address, act] of every) {
        await page.goto(within(address, "", { lang }));
        await act?.(page);
        seen.push(...(await measure(page, name, lang, picture)));
      }
      await context.close();
      return seen;
    }),
  );
  await sandbox.power(second.sandboxRouter, "on");
  const faulty = found.flat();
  must(faulty.length === 0, `${faulty.length} faults of layout: ${faulty.slice(0, TOLD).join("; ")}`);
  return { pages: every.map(([name]) => name), languages: LANGUAGES, shapes: SHAPES };
}
