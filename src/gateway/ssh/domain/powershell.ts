/** What PowerShell takes for a single quote: the typewriter's, and four typographic ones. */
const SINGLE_QUOTES = /['\u2018-\u201B]/g;

/** A literal that PowerShell reads back unchanged: each of its quotes doubled, nothing else has a meaning. */
export function quotePowerShell(text: string): string {
  if (text.includes('\0')) throw new TypeError('A literal cannot hold a NUL character.');
  return `'${text.replace(SINGLE_QUOTES, (quote) => quote + quote)}'`;
}

/**
 * A call of a program with exactly these arguments. PowerShell 5 passes on a double quote, and an empty argument,
 * otherwise than it was written, so both are refused: what may hold them travels by standard input.
 */
export function powerShellCall(argv: readonly string[]): string {
  if (argv.some((word) => word === '' || word.includes('"'))) {
    throw new TypeError('An argument for a Windows program cannot be empty or hold a double quote.');
  }
  return `& ${argv.map(quotePowerShell).join(' ')}`;
}

/** A script as the value of `-EncodedCommand`. */
export function encodePowerShell(script: string): string {
  return Buffer.from(script, 'utf16le').toString('base64');
}

export interface WindowsRun {
  readonly folder: string;
  /** Programs that run one after the other, as long as each of them succeeds. */
  readonly commands: readonly (readonly string[])[];
  /** Names the process, so that it can be found and ended from another channel. */
  readonly mark: string;
  readonly limitSeconds: number;
  readonly env: Readonly<Record<string, string>>;
}

/**
 * The script that runs commands on a Windows host. Its standard input holds the input of the last command in base64, a
 * line feed and the word `go`; without the word, because the connection broke before it, nothing begins. It ends itself
 * with all that it has started when its time is over.
 */
export function windowsScript({ folder, commands, mark, limitSeconds, env }: WindowsRun): string {
  const calls = commands.map((argv, index) => {
    const call = powerShellCall(argv);
    const fed = index === commands.length - 1 ? `$text | ${call}` : call;
    return `${fed}; if ($LASTEXITCODE -ne 0) { exit $LASTEXITCODE }`;
  });
  return [
    `#${mark}`,
    "$ErrorActionPreference = 'Stop'; $ProgressPreference = 'SilentlyContinue'",
    '$lines = @($input)',
    "if ($lines.Count -lt 2 -or $lines[-1] -ne 'go') { exit 125 }",
    '$utf8 = New-Object Text.UTF8Encoding $false; [Console]::OutputEncoding = $utf8; $OutputEncoding = $utf8',
    '$text = $utf8.GetString([Convert]::FromBase64String($lines[0]))',
    `$timer = [PowerShell]::Create().AddScript("Start-Sleep ${limitSeconds}; taskkill.exe /T /F /PID $PID"); [void]$timer.BeginInvoke()`,
    ...Object.entries(env).map(([name, value]) => `$env:${name} = ${quotePowerShell(value)}`),
    `Set-Location -LiteralPath ${quotePowerShell(folder)}`,
    ...calls,
    'exit 0',
  ].join('\n');
}

/** The script that ends the process with this mark, and all that it has started. */
export function windowsKillScript(mark: string): string {
  const [prefix] = encodedMark(mark);
  return [
    `$found = @(Get-CimInstance Win32_Process | Where-Object { $_.ProcessId -ne $PID -and $_.CommandLine -and $_.CommandLine.Contains(${quotePowerShell(prefix)}) })`,
    'foreach ($one in $found) { taskkill.exe /T /F /PID $one.ProcessId | Out-Null }',
    'exit 0',
  ].join('\n');
}

/** The command line for a Windows host that runs a script. */
export function powerShellLine(script: string): string {
  return `powershell.exe -NoLogo -NoProfile -NonInteractive -OutputFormat Text -EncodedCommand ${encodePowerShell(script)}`;
}

/** How a mark at the beginning of a script looks in its encoded form: whole groups of three bytes only. */
function encodedMark(mark: string): [prefix: string] {
  const bytes = Buffer.from(`#${mark}`, 'utf16le');
  return [bytes.subarray(0, bytes.length - (bytes.length % 3)).toString('base64')];
}
