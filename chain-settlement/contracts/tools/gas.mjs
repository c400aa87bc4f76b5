#!/usr/bin/env node
// Measures the gas of each call as a transaction and writes snapshots/settlement.json; with --check, compares instead.
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const home = join(dirname(fileURLToPath(import.meta.url)), '..');
const check = process.argv.includes('--check');
const run = spawnSync('./forge', ['test', '--isolate', '--match-test', '^testGas'], {
  cwd: home,
  encoding: 'utf8',
  env: { ...process.env, FOUNDRY_PROFILE: 'release', FORGE_SNAPSHOT_CHECK: String(check) },
});
if (run.status !== 0) {
  console.error(run.stdout + run.stderr);
  process.exit(1);
}
const gas = JSON.parse(readFileSync(join(home, 'snapshots/settlement.json'), 'utf8'));
for (const [name, used] of Object.entries(gas)) {
  console.log(`${name.padEnd(40)} ${Number(used).toLocaleString('en').padStart(12)}`);
}
const per = Number(gas['post: 100 payers']) / 1e6;
console.log(`${'gas per inference, 1 M receipts, 100 payers'.padEnd(40)} ${per.toFixed(2)}`);
