// Runs functions of the console on the cases of a test: reads JSON from standard input and writes JSON.

import { readFileSync } from "node:fs";
import { action, moved, stops, thresholds } from "../../console/costs.js";
import { nats, percent, plain, range, time, who } from "../../console/format.js";
import { queryOf, signed } from "../../console/signing.js";
import * as words from "../../console/words.js";

const asked = JSON.parse(readFileSync(0, "utf8"));

const CALLS = {
  action: (each) => action(each.llr, each.liveness, each.policy),
  thresholds: (each) => thresholds(each.policy),
  stops: (each) => stops(each.llr, each.liveness, each.policy),
  moved: (each) => moved(each.llr, each.liveness, each.risk, each.policy),
  format: ([name, ...rest]) => ({ nats, percent, plain, time, who })[name](...rest),
  range: ([name, now]) => range(name, new Date(now)),
  words: () => words,
  view: async (name) => {
    const view = await import(`../../console/views/${name}.js`);
    return [typeof view.TITLE, typeof view.show];
  },
  signed: (each) => {
    const url = new URL(each.url);
    url.search = queryOf(each.query);
    return signed({ ...each, url }, each.credentials, each.region, each.service, new Date(each.now));
  },
};

const answers = {};
for (const [name, cases] of Object.entries(asked)) answers[name] = await Promise.all(cases.map(CALLS[name]));
process.stdout.write(JSON.stringify(answers));
