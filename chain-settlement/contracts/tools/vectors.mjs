#!/usr/bin/env node
// A second opinion on every hash: receipts, limits, leaves, trees and batches, computed here from their definitions and
// written to test/vectors.jsonl, a case per line. The Solidity tests recompute them; Java may too. Usage: node tools/vectors.mjs [seed]
import { createRequire } from 'node:module';
import { writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const { keccak256 } = createRequire(import.meta.url)('js-sha3');
const seed = process.argv[2] ?? '1612';
const CASES = 60;

// ABI, static types only: every value is one word.
const word = (value) => BigInt(value).toString(16).padStart(64, '0');
const bytes = (hex) => Uint8Array.from(hex.match(/../g) ?? [], (byte) => parseInt(byte, 16));
const hash = (hex) => `0x${keccak256(bytes(hex))}`;
const hashWords = (...values) => hash(values.map(word).join(''));
const hashText = (text) => `0x${keccak256(text)}`;

let drawn = 0;
const draw = (bits) => BigInt(hashText(`${seed}/${drawn++}`)) >> BigInt(256 - bits);

const RECEIPT = hashText(
  'Receipt(bytes32 requestId,address payer,bytes32 model,bytes32 adapter,bytes32 promptHash,bytes32 outputHash,' +
    'uint64 tokensIn,uint64 tokensOut,uint64 priceId,uint96 amount,bytes32 traceHash,uint64 timestamp)',
);
const LIMIT = hashText('SpendingLimit(address payer,address signer,address operator,uint96 limit,uint64 expiry)');
const DOMAIN = hashText('EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)');

const domain = (chainId, contract) =>
  hashWords(DOMAIN, hashText('OpenLoRA Settlement'), hashText('1'), chainId, contract);
const digest = (separator, struct) => hash(`1901${word(separator)}${word(struct)}`);

// Pairs from the left, level by level; an odd node is promoted.
const tree = (level, join_) => {
  while (level.length > 1) {
    const above = [];
    for (let i = 0; i < level.length; i += 2) {
      above.push(i + 1 < level.length ? join_(level[i], level[i + 1]) : level[i]);
    }
    level = above;
  }
  return level[0];
};
const sumTree = (leaves) =>
  tree(leaves, (a, b) => ({ hash: hashWords(a.hash, a.sum, b.hash, b.sum), sum: a.sum + b.sum }));
const orderedTree = (leaves) => tree(leaves, (a, b) => hashWords(a, b));
const sortedTree = (leaves) => tree(leaves, (a, b) => (BigInt(a) < BigInt(b) ? hashWords(a, b) : hashWords(b, a)));

const hex = (value) => `0x${word(value)}`;
const cases = [];
for (let i = 0; i < CASES; i++) {
  const n = 1 + Number(draw(16) % 23n);
  const firstSeq = draw(63);
  const payer = draw(160);
  const receipts = Array.from({ length: n }, () => [
    draw(256), payer, draw(256), draw(256), draw(256), draw(256),
    draw(64), draw(64), draw(64), draw(90), draw(256), draw(64),
  ]);
  const hashes = receipts.map((fields) => hashWords(RECEIPT, ...fields));
  const root = sumTree(
    receipts.map((fields, k) => ({ hash: hashWords(firstSeq + BigInt(k), hashes[k], fields[9]), sum: fields[9] })),
  );
  const debit = [payer, firstSeq, n, root.sum, root.hash];
  const debits = Array.from({ length: 1 + Number(draw(16) % 9n) }, (_, k) =>
    k === 0 ? debit : [draw(160), draw(63), draw(31), draw(96), draw(256)],
  );
  const payouts = Array.from({ length: 1 + Number(draw(16) % 9n) }, () => [draw(160), draw(127)]);
  const limit = [payer, draw(160), draw(160), draw(96), draw(64)];
  const chainId = draw(32);
  const contract = draw(160);
  const batch = [
    draw(64), draw(256), draw(256), draw(256), draw(128), draw(128), draw(64), draw(64), draw(256), draw(64), draw(64),
  ];
  cases.push({
    firstSeq: hex(firstSeq),
    receipts: receipts.flat().map(hex),
    receiptHashes: hashes,
    subRoot: root.hash,
    sum: hex(root.sum),
    debits: debits.flat().map(hex),
    receiptsRoot: orderedTree(debits.map((fields) => hash(word(hashWords(...fields))))),
    payouts: payouts.flat().map(hex),
    payoutsRoot: sortedTree(payouts.map((fields) => hash(word(hashWords(...fields))))),
    limit: limit.map(hex),
    limitHash: hashWords(LIMIT, ...limit),
    domain: [hex(chainId), hex(contract)],
    domainSeparator: domain(chainId, contract),
    limitDigest: digest(domain(chainId, contract), hashWords(LIMIT, ...limit)),
    receiptDigest: digest(domain(chainId, contract), hashes[0]),
    batch: batch.map(hex),
    batchHash: hashWords(...batch),
  });
}
const out = join(dirname(fileURLToPath(import.meta.url)), '../test/vectors.jsonl');
const madeBy = `node tools/vectors.mjs ${seed}`;
writeFileSync(out, cases.map((one) => `${JSON.stringify({ madeBy, ...one })}\n`).join(''));
console.log(`${CASES} cases from seed ${seed} in ${out}`);
