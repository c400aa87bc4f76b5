#!/usr/bin/env node
// Writes artifacts/<contract>.json (abi, bytecode, runtime size) for the Java side; with --check, compares instead.
import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const home = join(dirname(fileURLToPath(import.meta.url)), '..');
const check = process.argv.includes('--check');
const contracts = ['Settlement', 'Prices', 'Bond', 'MockGasPriceOracle', 'MockToken', 'MockWrappedNative', 'Wallet', 'HashingProbe'];
const fileOf = { Wallet: 'Parties' }; // the others are in files of their own names
const CODE_BYTES_MAX = 24_576; // EIP-170

const run = spawnSync('./forge', ['build', 'src', 'test/Parties.sol', 'test/HashingProbe.sol', '--force'], {
  cwd: home,
  encoding: 'utf8',
  env: { ...process.env, FOUNDRY_PROFILE: 'release', FOUNDRY_OUT: 'out/artifacts', FOUNDRY_CACHE_PATH: 'cache/artifacts' },
});
if (run.status !== 0) {
  console.error(run.stdout + run.stderr);
  process.exit(1);
}
mkdirSync(join(home, 'artifacts'), { recursive: true });
const stale = [];
for (const name of contracts) {
  const built = JSON.parse(readFileSync(join(home, `out/artifacts/${fileOf[name] ?? name}.sol/${name}.json`), 'utf8'));
  const size = built.deployedBytecode.object.length / 2 - 1;
  if (size > CODE_BYTES_MAX) {
    throw new Error(`${name}: ${size} bytes of code (expected: at most ${CODE_BYTES_MAX})`);
  }
  const artifact = {
    contract: name,
    abi: built.abi,
    bytecode: built.bytecode.object,
    deployedBytecode: built.deployedBytecode.object,
  };
  const text = `${JSON.stringify(artifact, null, 1)}\n`;
  const path = join(home, 'artifacts', `${name}.json`);
  if (!check) {
    writeFileSync(path, text);
    console.log(`${name.padEnd(20)} ${String(size).padStart(6)} bytes of code`);
    continue;
  }
  let committed = '';
  try {
    committed = readFileSync(path, 'utf8');
  } catch {
    committed = 'missing';
  }
  if (committed !== text) {
    stale.push(name);
  }
}
if (stale.length > 0) {
  console.error(`artifacts: ${stale.join(', ')} is not what the sources compile to (run: npm run artifacts)`);
  process.exit(1);
}
if (check) {
  console.log(`artifacts: ${contracts.length} are what the sources compile to`);
}
