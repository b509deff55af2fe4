import { afterAll, beforeAll, beforeEach, expect } from '@jest/globals';
import { type RunningGateway } from '../../src/gateway/index.js';
import { providerNames } from '../../src/gateway/providers/domain/catalogue.js';
import { GatewayFixture } from '../gateway/fixture.js';
import { type Json } from '../support/json.js';
import { ProviderStub } from './provider-stub.js';

export const messages = [{ role: 'user', content: 'Hello.' }];

/** A gateway that has all providers, for the tests of a file; what is written down of them is forgotten before each. */
export class HttpStage {
  fixture!: GatewayFixture;
  stub!: ProviderStub;
  gateway!: RunningGateway;

  static forTests(): HttpStage {
    const stage = new HttpStage();
    beforeAll(async () => {
      stage.fixture = await GatewayFixture.create();
      stage.stub = await ProviderStub.start();
      stage.gateway = await stage.fixture.start({ env: stage.stub.env(...providerNames) });
    });
    beforeEach(async () => {
      stage.stub.reset();
      await stage.fixture.sql.query(
        'truncate gateway.provider_usage, gateway.provider_rates, gateway.provider_health',
      );
    });
    afterAll(async () => {
      await stage.fixture.close();
      await stage.stub.close();
    });
    return stage;
  }

  async get(path: string, at = this.gateway): Promise<Json> {
    const response = await fetch(at.url + path);
    expect(response.status).toBe(200);
    return response.json();
  }

  async provider(name: string, at = this.gateway): Promise<Json> {
    const { providers } = await this.get('/providers', at);
    return providers.find((one: Json) => one.name === name);
  }
}
