#!/usr/bin/env node
// Breaks the contracts one line at a time (tools/mutants.json: file, text, replacement, name) and lists which breaks
// the tests see, the directed and fuzz tests alone. Works in a copy. Usage: node tools/mutants.mjs [--from N] [--to N]
import { spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const home = join(dirname(fileURLToPath(import.meta.url)), '..');
const argument = (name, otherwise) => {
  const at = process.argv.indexOf(name);
  return at < 0 ? otherwise : Number(process.argv[at + 1]);
};
const mutants = JSON.parse(readFileSync(join(home, 'tools/mutants.json'), 'utf8'));
const from = argument('--from', 0);
const to = argument('--to', mutants.length);

const copy = mkdtempSync(join(tmpdir(), 'mutants-'));
process.on('exit', () => rmSync(copy, { recursive: true, force: true }));
for (const name of ['src', 'test', 'forge', 'solc-js', 'foundry.toml', 'package.json']) {
  cpSync(join(home, name), join(copy, name), { recursive: true });
}
// Too slow to run and to compile once per mutant.
for (const name of ['Invariants.t.sol', 'Gas.t.sol']) {
  rmSync(join(copy, 'test', name));
}
symlinkSync(join(home, 'node_modules'), join(copy, 'node_modules'));

const test = () => {
  const run = spawnSync('./forge', ['test', '--fail-fast'], {
    cwd: copy,
    encoding: 'utf8',
    // Tests that do not contain the contracts' code are not compiled again for each mutant.
    env: { ...process.env, FOUNDRY_FUZZ_RUNS: '16', FOUNDRY_DYNAMIC_TEST_LINKING: 'true' },
  });
  const text = run.stdout + run.stderr;
  if (!text.includes('Suite result')) {
    throw new Error(`forge said nothing about tests:\n${text.slice(-2000)}`);
  }
  const failing = text.match(/\[FAIL.*\] (test\w+)\(/);
  return failing ? failing[1] : null;
};

const broken = test();
if (broken) {
  throw new Error(`the unbroken contracts fail ${broken}`);
}
let killed = 0;
const survivors = [];
for (let i = from; i < to; i++) {
  const [file, text, replacement, name] = mutants[i];
  const path = join(copy, 'src', `${file}.sol`);
  const source = readFileSync(path, 'utf8');
  if (source.split(text).length !== 2) {
    throw new Error(`mutant ${i} (${name}): its text stands ${source.split(text).length - 1} times in ${file}.sol (expected: once)`);
  }
  writeFileSync(path, source.replace(text, () => replacement));
  const killer = test();
  writeFileSync(path, source);
  killer ? killed++ : survivors.push(`${i} ${file}: ${name}`);
  console.log(`${String(i).padStart(3)}  ${file.padEnd(11)}  ${name.padEnd(36)}  ${killer ? `killed by ${killer}` : 'SURVIVED'}`);
}
const total = to - from;
console.log(`${killed} of ${total} killed (${((100 * killed) / total).toFixed(1)} %)`);
survivors.forEach((s) => console.log(`survived: ${s}`));
process.exitCode = killed >= 0.9 * total ? 0 : 1;
