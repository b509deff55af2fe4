import { expect, it } from '@jest/globals';
import { newSecret, signatures } from './signing.js';

it('signs as the example of the Standard Webhooks libraries', () => {
  const message = {
    id: 'msg_p5jXN8AQM9LWM0D4loKWxJek',
    timestamp: 1_614_265_330,
    body: '{"test": 2432232314}',
  };
  const secret = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw';
  const signature = 'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=';
  expect(signatures(message, [secret])).toBe(signature);
  expect(signatures(message, [newSecret(), secret]).split(' ')).toEqual([
    expect.stringMatching(/^v1,[A-Za-z0-9+/]{43}=$/),
    signature,
  ]);
});
