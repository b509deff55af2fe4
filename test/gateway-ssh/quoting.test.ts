import { execFileSync } from 'node:child_process';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import ssh2 from 'ssh2';
import { readFileSync } from 'node:fs';
import { posixCommand, posixCommands, quotePosix } from '../../src/gateway/ssh/domain/posix.js';
import {
  encodePowerShell,
  powerShellCall,
  quotePowerShell,
  windowsKillScript,
  windowsScript,
} from '../../src/gateway/ssh/domain/powershell.js';
import { GO, supervised } from '../../src/gateway/ssh/domain/supervisor.js';
import { decodeCommand, readLiterals } from './powershell-reader.js';
import { leftOut, Sshd, trouble } from './sshd.js';
import { fc } from '../support/properties.js';

const NASTY = [
  ...[
    "'",
    '"',
    '`',
    '$',
    '\\',
    '\n',
    '\r',
    '\t',
    ' ',
    ';',
    '&',
    '|',
    '>',
    '<',
    '(',
    ')',
    '*',
    '?',
    '~',
    '#',
    '!',
  ],
  ...[
    '‘',
    '’',
    '‚',
    '‛',
    '“',
    '”',
    '„',
    '😀',
    'é',
    '\u2028',
    '\u0001',
    '\u007f',
    '%',
    '^',
    '{',
    '}',
    '=',
    '-',
  ],
  ...['$(id)', '${IFS}', '--', '-rf', '%PATH%', "''", "'\\''", '\\\n', '@(', '$env:X', '#{', '\ufeff'],
];

/** A text that a quoting rule would stumble over, often beginning with a dash. */
const nasty = fc
  .tuple(
    fc.constantFrom('', '', '-', '--', "-'"),
    fc.array(
      fc.oneof(
        { weight: 3, arbitrary: fc.constantFrom(...NASTY) },
        { weight: 1, arbitrary: fc.string({ unit: 'grapheme', maxLength: 4 }) },
      ),
      {
        maxLength: 20,
      },
    ),
  )
  .map(([start, parts]) => (start + parts.join('')).replaceAll('\0', '').toWellFormed());

const words = fc.array(nasty, { minLength: 1, maxLength: 12 });

/** Prints each of its arguments with its length in front. */
const PRINTER = 'for word do printf "%s:%s\\n" "${#word}" "$word"; done';
const shown = (those: readonly string[]) =>
  those.map((word) => `${Buffer.byteLength(word)}:${word}\n`).join('');

describe('POSIX quoting', () => {
  const run = (line: string) =>
    execFileSync('sh', ['-c', line], { encoding: 'utf8', env: { LC_ALL: 'C', PATH: process.env['PATH'] } });

  it('brings every word to a real sh unchanged', () => {
    fc.assert(
      fc.property(words, (those) => {
        expect(run(posixCommand(['sh', '-c', PRINTER, 'sh', ...those]))).toBe(shown(those));
      }),
      { numRuns: 150 },
    );
  });

  it('goes to any folder, and runs commands while they succeed', () => {
    const folder = `/tmp/skynet ’'"$(x)\n-${process.pid}`;
    execFileSync('mkdir', ['-p', '--', folder]);
    try {
      expect(run(posixCommands(folder, [['pwd'], ['false'], ['echo', 'never']]).concat(' || true'))).toBe(
        `${folder}\n`,
      );
    } finally {
      execFileSync('rmdir', ['--', folder]);
    }
    expect(posixCommands('/a b', [['git', 'status']])).toBe("cd '/a b' && 'git' 'status'");
    expect(() => quotePosix('a\0b')).toThrow('NUL');
  });
});

const suite = trouble === undefined ? describe : describe.skip; // Nothing can stand in for a real sshd; the name of the suite says what is missing.

suite(`the supervisor at a real sshd${leftOut}`, () => {
  let sshd: Sshd;
  let client: ssh2.Client;
  beforeAll(async () => {
    sshd = await Sshd.start();
    client = new ssh2.Client();
    await new Promise<void>((done, fail) => {
      client.once('ready', done).once('error', fail);
      client.connect({
        host: '127.0.0.1',
        port: sshd.port,
        username: sshd.user,
        privateKey: readFileSync(sshd.path('login')),
      });
    });
  });
  afterAll(async () => {
    client.destroy();
    await sshd.close();
  });

  const run = (command: string, input: string, after = GO) =>
    new Promise<{ code: number; out: string }>((done, fail) => {
      client.exec(supervised(command, Buffer.byteLength(input), 60), (error, channel) => {
        if (error !== undefined) return fail(error);
        let out = '';
        let code = -1;
        channel.setEncoding('utf8').on('data', (chunk: string) => (out += chunk));
        channel.stderr.on('data', (chunk: Buffer) => (out += chunk.toString()));
        channel.once('exit', (value: number) => (code = value));
        channel.once('close', () => done({ code, out }));
        channel.write(input + after);
        if (after !== GO) channel.end();
      });
    });

  it('brings arguments and input to a program on the other side unchanged', async () => {
    await fc.assert(
      fc.asyncProperty(words, nasty, async (those, input) => {
        const command = posixCommand(['env', 'LC_ALL=C', 'sh', '-c', `${PRINTER}; cat`, 'sh', ...those]);
        expect(await run(command, input)).toEqual({ code: 0, out: shown(those) + input });
      }),
      { numRuns: 30 },
    );
  });

  it('passes on the exit code, a megabyte of input, and bytes that end in line feeds', async () => {
    expect(await run('exit 7', '')).toEqual({ code: 7, out: '' });
    expect((await run('wc -c', 'ü'.repeat(524_288))).out.trim()).toBe('1048576');
    expect((await run('od -An -c', 'a\n\n')).out.trim()).toBe('a  \\n  \\n');
  });

  it('begins nothing unless the input has arrived whole', async () => {
    expect(await run('echo begun', 'x', '')).toEqual({ code: 125, out: '' });
    expect(await run('echo begun', '', 'stop\n')).toEqual({ code: 125, out: '' });
  });
});

describe('PowerShell quoting', () => {
  it('writes literals that a reader of the language takes for the same text', () => {
    fc.assert(
      fc.property(words, (those) => {
        const script = those.map(quotePowerShell).join(' ');
        expect(readLiterals(decodeCommand(encodePowerShell(script)))).toEqual(those);
      }),
      { numRuns: 500 },
    );
  });

  it('doubles each kind of single quote, and leaves everything else', () => {
    expect(quotePowerShell(`a'b‘c’d‚e‛f"$x\`n“”`)).toBe(`'a''b‘‘c’’d‚‚e‛‛f"$x\`n“”'`);
  });

  it('refuses arguments that PowerShell would not pass on as they are', () => {
    expect(powerShellCall(['git', 'push', '--', 'a’b'])).toBe("& 'git' 'push' '--' 'a’’b'");
    for (const word of ['', 'a"b']) expect(() => powerShellCall(['x', word])).toThrow(TypeError);
    expect(() => quotePowerShell('a\0')).toThrow('NUL');
  });

  it('is a script whose literals are what was asked for, and whose process can be found again', () => {
    fc.assert(
      fc.property(nasty, words, fc.uuid(), (folder, those, mark) => {
        const argv = ['git', ...those.map((word) => `x${word.replaceAll('"', '')}`)];
        const script = windowsScript({
          folder,
          commands: [['first'], argv],
          mark,
          limitSeconds: 9,
          env: { A: folder },
        });
        const [, ...lines] = decodeCommand(encodePowerShell(script)).split(`#${mark}\n`);
        const text = lines.join('');
        expect(readLiterals(text)).toEqual([
          ...['Stop', 'SilentlyContinue', 'go'],
          ...[folder, folder, 'first', ...argv],
        ]);
        // The mark as the killing script looks for it is part of the command line of the other, and not of its own.
        const [needle = ''] = readLiterals(windowsKillScript(mark));
        expect(encodePowerShell(script)).toContain(needle);
        expect(needle.length).toBeGreaterThan(90);
        expect(encodePowerShell(windowsKillScript(mark))).not.toContain(needle);
      }),
      { numRuns: 200 },
    );
  });
});
