#!/usr/bin/env node
// A provider of models in OpenAI's format that needs no key and no network: whatever it is asked, it answers with the
// same small plan. docs/getting-started-agents.md uses it, and so does the test of that page.
//
//   node examples/stub-provider.mjs [port]         (18080; 0 takes any free port)
import http from 'node:http';

const plan = {
  summary: 'A small library with a test.',
  milestones: [
    {
      name: 'Library',
      tasks: [
        write('add', 'src/add.mjs', 'export const add = (a, b) => a + b;\n'),
        write(
          'double',
          'src/double.mjs',
          "import { add } from './add.mjs';\n\nexport const double = (a) => add(a, a);\n",
        ),
        ...commit('library', 'feat: add and double', ['add', 'double']),
      ],
    },
    {
      name: 'Tests',
      tasks: [
        write(
          'test',
          'test/library.test.mjs',
          [
            "import assert from 'node:assert/strict';",
            "import test from 'node:test';",
            "import { add } from '../src/add.mjs';",
            "import { double } from '../src/double.mjs';",
            '',
            "test('adds', () => assert.equal(add(2, 3), 5));",
            "test('doubles', () => assert.equal(double(4), 8));",
            '',
          ].join('\n'),
        ),
        ...commit('tests', 'test: add and double', ['test']),
      ],
    },
  ],
  testing: { runner: 'node' },
};

function write(id, file, content) {
  return { id, title: `Write ${file}`, action: 'file_write', params: { file, content } };
}

function commit(id, message, dependencies) {
  return [
    { id: `stage-${id}`, title: 'Stage', action: 'git_add_all', params: {}, dependencies },
    {
      id: `commit-${id}`,
      title: message,
      action: 'git_commit',
      params: { message },
      dependencies: [`stage-${id}`],
    },
  ];
}

const completion = {
  id: 'stub',
  object: 'chat.completion',
  model: 'stub',
  choices: [
    { index: 0, finish_reason: 'stop', message: { role: 'assistant', content: JSON.stringify(plan) } },
  ],
  usage: { prompt_tokens: 0, completion_tokens: 0, total_tokens: 0 },
};

const server = http.createServer((request, response) => {
  request.resume().on('end', () => {
    response.setHeader('content-type', 'application/json');
    if (request.method === 'POST' && request.url?.endsWith('/chat/completions')) {
      response.end(JSON.stringify(completion));
    } else {
      response.statusCode = 404;
      response.end(JSON.stringify({ error: { message: 'This stub answers POST …/chat/completions only.' } }));
    }
  });
});
server.on('error', (error) => {
  console.error(`[stub-provider] ${error.message}`);
  process.exitCode = 1;
});
server.listen(Number(process.argv[2] ?? 18080), '127.0.0.1', () => {
  console.log(`Stub provider: http://127.0.0.1:${server.address().port}/v1`);
});
