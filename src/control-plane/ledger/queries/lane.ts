/** The lane of a waiting task, from SQL expressions for what it depends on; see the migration that made `task_lane`. */
export function laneOf(alias: string, dispatchKey: string, dispatchGatewayId: string): string {
  const of = (column: string) => `${alias}.${column}`;
  const columns = [of('gateway_strict'), of('gateway_id'), of('required_capabilities')];
  return `task_lane(${[of('kind'), of('delivery'), dispatchKey, dispatchGatewayId, ...columns].join(', ')})`;
}
