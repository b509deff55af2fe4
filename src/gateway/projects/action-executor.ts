import { type ActionRequest } from '../../contracts/gateway-api.js';
import { type HttpAnswer } from '../actions/answer.js';
import { type StepAnswer } from './domain/bootstrap.js';
import { type ActionExecutor } from './driving/driver.js';

/** What the gateway's actions offer; the service itself in the program. */
interface Actions {
  readonly isReady: boolean;
  handle(request: ActionRequest): Promise<HttpAnswer>;
}

/** Has the gateway's own actions executed, in the way of every other caller: by key, rate, stop, tier and path. */
export function throughActions(actions: Actions): ActionExecutor {
  return {
    get isReady() {
      return actions.isReady;
    },
    async execute({ action, params, taskId, idempotencyKey }): Promise<StepAnswer> {
      const { httpStatus, body } = await actions.handle({
        action,
        params,
        confirmed: true,
        task_id: taskId,
        idempotency_key: idempotencyKey,
      });
      const result = 'result' in body ? body.result : undefined;
      return {
        httpStatus,
        ...(body.status === undefined ? {} : { status: body.status }),
        ...(body.error === undefined ? {} : { error: body.error }),
        ...(result ?? {}),
      };
    },
  };
}
