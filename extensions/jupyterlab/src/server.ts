import { PageConfig, URLExt } from '@jupyterlab/coreutils';
import { ServerConnection } from '@jupyterlab/services';

/** What the panel shows of one thing that runs, or of a schedule. */
export interface Thing {
  name: string;
  kind: 'service' | 'stream' | 'app' | 'run' | 'schedule';
  state: string;
  reason: string;
  brief: string;
  lines: [string, string][];
  url: string;
}

/** A model: its newest version, and which is live. */
export interface Model {
  name: string;
  ref: string;
  live: string;
  proven: boolean;
  note: string;
}

export interface Seen {
  deployments: Thing[];
  runs: Thing[];
  schedules: Thing[];
  models: Model[];
  note: string;
}

/** What a verb answered: its card as text, and its value. */
export interface Answer {
  text: string;
  value: Record<string, unknown>;
}

/** A refusal, as Workbench words it: what, where, and the next step. */
export class Refused extends Error {
  constructor(
    what: string,
    readonly where: string,
    readonly fix: string
  ) {
    super(what);
  }

  toString(): string {
    return [this.message, this.where && `at ${this.where}`, this.fix && `→ ${this.fix}`].filter(Boolean).join('\n');
  }
}

const HERE = ['localhost', '127.0.0.1', '[::1]'];

/** An address on the server's machine, as this browser reaches it: on a hub, through the Jupyter server. */
export function reachable(address: string): string {
  const url = new URL(address);
  if (!HERE.includes(url.hostname) || HERE.includes(window.location.hostname)) {
    return address;
  }
  const server = new URL(PageConfig.getBaseUrl(), window.location.origin).href;
  return `${URLExt.join(server, 'proxy', url.port)}${url.pathname}${url.search}`;
}

/** Text with the addresses in it as this browser reaches them. */
export function relocated(text: string): string {
  return text.replace(/http:\/\/(127\.0\.0\.1|localhost):\d+/g, address => reachable(address).replace(/\/$/, ''));
}

async function ask<T>(path: string, init: RequestInit): Promise<T> {
  const settings = ServerConnection.makeSettings();
  const url = URLExt.join(settings.baseUrl, 'workbench', 'api', path);
  const response = await ServerConnection.makeRequest(url, init, settings);
  if (response.ok) {
    return (await response.json()) as T;
  }
  const said = (await response.json().catch(() => ({}))) as { message?: string; where?: string; fix?: string };
  throw new Refused(said.message ?? `the Jupyter server answered ${response.status}`, said.where ?? '', said.fix ?? '');
}

/** Ask for what only looks. */
export function look<T>(path: string, query: Record<string, string> = {}): Promise<T> {
  return ask<T>(path + URLExt.objectToQueryString(query), {});
}

/** Have a verb done, with its options as in Python. */
export function act(verb: string, options: Record<string, unknown>): Promise<Answer> {
  return ask<Answer>(verb, { method: 'POST', body: JSON.stringify(options) });
}
