// The hand on the world outside, by the control side of the sandbox: devices, phones and routers.
import { setTimeout as pause } from "node:timers/promises";

const LIMIT_MS = 30_000;
const LOOK_EVERY_MS = 50;

export class Sandbox {
  #url;

  constructor(url) {
    this.#url = url;
  }

  /** A device joins the WiFi of a router. */
  join(router, { mac, ip }) {
    return this.#say("POST", `/control/routers/${router}/hosts`, { mac, ip });
  }

  /** A device's browser submits the router's login form; the router judges name and password. */
  logIn(router, { mac, ip }, { username, password }) {
    return this.#say("POST", `/control/routers/${router}/login`, { mac, ip, username, password });
  }

  /** `on`, `off`, `hang`, `reboot`. */
  power(router, power) {
    return this.#say("PUT", `/control/routers/${router}/state`, { power });
  }

  /** Waits for the prompt on a phone: amount in shillings, merchant, id. */
  async prompt(phone) {
    const end = Date.now() + LIMIT_MS;
    while (Date.now() < end) {
      const { prompts } = await this.#say("GET", `/control/phones/${phone}`);
      if (prompts.length > 0) {
        return prompts[0];
      }
      await pause(LOOK_EVERY_MS);
    }
    throw new Error(`no prompt came to ${phone} within ${LIMIT_MS / 1000} s`);
  }

  /** Answers the prompt that waits, or soon will: accept, cancel, wrong_pin, insufficient, ignore. */
  async answer(phone, answer) {
    const prompt = await this.prompt(phone);
    await this.#say("POST", `/control/phones/${phone}/prompts/${prompt.id}`, { answer });
    return prompt;
  }

  /** Lets the prompt of a phone fail with one of M-Pesa's codes. */
  async fail(phone, resultCode) {
    const prompt = await this.prompt(phone);
    await this.#say("POST", `/control/payhero/collections/${prompt.external_reference}/resolve`, { status: "FAILED", result_code: resultCode });
  }

  async #say(method, path, body) {
    const answer = await fetch(this.#url + path, { method, body: body && JSON.stringify(body) });
    const text = await answer.text();
    if (!answer.ok) {
      throw new Error(`the sandbox answered ${answer.status} to ${method} ${path}: ${text}`);
    }
    return JSON.parse(text);
  }
}
