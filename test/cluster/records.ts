/** Records as a coordinator of old has them, complete; what a test says of one wins. */

export const hostRecord = (id: string, more: object = {}): Record<string, unknown> => ({
  id,
  name: `host ${id}`,
  capabilities: ['shell', 'gpu', 'shell'],
  maxParallel: 2,
  activeLeases: 1,
  lastSeenAt: '2026-01-02T03:04:05.678Z',
  registeredAt: '2025-12-01T00:00:00.000Z',
  updatedBy: 'old-node',
  version: 7,
  ...more,
});

export const jobRecord = (id: string, more: object = {}): Record<string, unknown> => ({
  id,
  createdAt: '2026-01-01T00:00:00.000Z',
  updatedAt: '2026-01-01T00:00:01.000Z',
  updatedBy: 'old-node',
  version: 11,
  status: 'queued',
  attempts: 0,
  requirement: { requiredCapabilities: ['shell'] },
  payload: { kind: 'shell', command: 'echo', args: ['hi'], env: { SECRET: 's' } },
  submittedBy: 'somebody',
  ...more,
});

export const ended = (status: 'completed' | 'failed', more: object = {}): Record<string, unknown> => ({
  status,
  attempts: 1,
  version: 13,
  assignedHostId: 'h1',
  result: {
    finishedAt: '2026-01-01T00:01:00.000Z',
    durationMs: 12.6,
    exitCode: status === 'completed' ? 0 : 3,
    stdout: 'out',
    stderr: '',
  },
  ...(status === 'failed' ? { error: 'it broke' } : {}),
  ...more,
});

export const serviceRecord = (id: string, more: object = {}): Record<string, unknown> => ({
  id,
  name: `service ${id}`,
  command: 'node',
  args: ['server.js'],
  replicas: 1,
  requiredCapabilities: ['service-host'],
  status: 'running',
  createdAt: '2026-01-01T00:00:00.000Z',
  updatedAt: '2026-01-01T00:00:01.000Z',
  updatedBy: 'old-node',
  version: 3,
  assignments: [],
  ...more,
});
