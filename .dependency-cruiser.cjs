/** The arrows of docs/architecture.md. A rule here is a sentence there. */
const WINGS = 'control-plane|gateway|agent|host|service-gateway';

/** @type {import('dependency-cruiser').IConfiguration} */
module.exports = {
  forbidden: [
    {
      name: 'no-circular',
      severity: 'error',
      from: {},
      to: { circular: true, dependencyTypesNot: ['type-only'] },
    },
    {
      name: 'wings-meet-over-the-network',
      comment: 'A program shares wire shapes and the platform with another, nothing else.',
      severity: 'error',
      from: { path: `^src/(${WINGS})/` },
      to: { path: `^src/(${WINGS}|cli)/`, pathNot: '^src/$1/' },
    },
    {
      name: 'the-ground-knows-nobody',
      severity: 'error',
      from: { path: '^src/(platform|contracts|actions|file-patterns)/' },
      to: { path: `^src/(${WINGS}|cli)/` },
    },
    {
      name: 'only-gateways-and-agents-carry-actions-out',
      severity: 'error',
      from: { path: '^src/', pathNot: '^src/(actions|gateway|agent)/' },
      to: { path: '^src/actions/' },
    },
    {
      name: 'actions-are-entered-by-the-front-door',
      severity: 'error',
      from: { path: '^src/(gateway|agent)/' },
      to: { path: '^src/actions/', pathNot: '^src/actions/index\\.ts$' },
    },
    {
      name: 'contracts-are-only-shapes',
      severity: 'error',
      from: { path: '^src/contracts/' },
      to: { pathNot: '^src/contracts/' },
    },
    {
      name: 'the-cli-enters-by-the-front-door',
      severity: 'error',
      from: { path: '^src/cli/' },
      to: { path: `^src/(${WINGS})/`, pathNot: `^src/(${WINGS})/index\\.ts$` },
    },
    {
      name: 'the-control-plane-executes-nothing',
      comment: 'The founding rule: OpenClaw executes, we orchestrate.',
      severity: 'error',
      from: { path: '^src/control-plane/' },
      to: { path: '^(node:)?(child_process|cluster|worker_threads|vm)$|^ssh2$' },
    },
    {
      name: 'modules-enter-by-the-front-door',
      severity: 'error',
      from: { path: '^src/control-plane/([^/]+)/', pathNot: '\\.test\\.ts$' },
      to: { path: '^src/control-plane/([^/]+)/', pathNot: '^src/control-plane/($1/|[^/]+/index\\.ts$)' },
    },
    {
      name: 'events-and-the-client-call-nobody',
      severity: 'error',
      from: { path: '^src/control-plane/(events|gateway-client)/' },
      to: { path: '^src/control-plane/[^/]+/', pathNot: '^src/control-plane/($1|runtime)/' },
    },
    {
      name: 'nobody-calls-the-public-api',
      severity: 'error',
      from: { path: '^src/control-plane/[^/]+/', pathNot: '^src/control-plane/public-api/' },
      to: { path: '^src/control-plane/public-api/' },
    },
    {
      name: 'the-registry-does-not-know-the-ledger',
      severity: 'error',
      from: { path: '^src/control-plane/registry/' },
      to: {
        path: '^src/control-plane/(approvals|ledger|routing|scheduler|schedules|services|jobs|hosts|public-api|cluster|logs|reaper|overview|explain|metrics)/',
      },
    },
    {
      name: 'the-ledger-decides-nothing-about-gateways',
      severity: 'error',
      from: { path: '^src/control-plane/ledger/' },
      to: {
        path: '^src/control-plane/(approvals|routing|scheduler|schedules|services|jobs|hosts|public-api|cluster|logs|reaper|overview|explain|metrics|gateway-client)/',
      },
    },
    {
      name: 'services-are-no-tasks',
      comment: 'They share hosts with jobs, and nothing else.',
      severity: 'error',
      from: { path: '^src/control-plane/services/' },
      to: {
        path: '^src/control-plane/[^/]+/',
        pathNot: '^src/control-plane/(services|registry|idempotency|auth|runtime)/',
      },
    },
    {
      name: 'domain-rules-are-pure',
      comment: 'Values in, decision out: other rules and types, and libraries without effects.',
      severity: 'error',
      from: { path: '^src/.*/domain/', pathNot: '\\.test\\.ts$' },
      to: {
        pathNot:
          '/domain/|/index\\.ts$|^src/platform/database/row\\.ts$|^node_modules/(ipaddr\\.js|cron|luxon|yaml)/',
        dependencyTypesNot: ['type-only'],
      },
    },
    {
      name: 'only-the-platform-knows-pg',
      severity: 'error',
      from: { path: '^src/', pathNot: '^src/platform/(database|embedded-postgres)/' },
      to: { path: '^node_modules/pg/' },
    },
    {
      name: 'src-never-imports-tests',
      severity: 'error',
      from: { path: '^src/', pathNot: '\\.test\\.ts$' },
      to: { path: '^test/|\\.test\\.ts$' },
    },
    { name: 'resolvable', severity: 'error', from: {}, to: { couldNotResolve: true, pathNot: '/dist/' } },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    tsConfig: { fileName: 'tsconfig.json' },
    tsPreCompilationDeps: true,
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['import', 'node', 'default', 'types'],
      extensions: ['.ts', '.js', '.mjs', '.d.ts'],
    },
  },
};
