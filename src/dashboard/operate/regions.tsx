import { useState } from 'preact/hooks';
import type { ShardListQuery } from '../graphql/documents.ts';
import { SetRouteDocument } from '../graphql/documents.ts';
import { usePerform } from '../graphql/outcome.ts';
import { ActionDialog } from '../parts/action-dialog.tsx';
import { announce } from '../parts/announcer.tsx';
import { Button } from '../parts/button.tsx';

type Region = ShardListQuery['regions'][number];

interface RegionsProps {
  readonly regions: readonly Region[];
  readonly onChanged: () => void;
}

/** Where the new work of each region goes. */
export function Regions({ regions, onChanged }: RegionsProps) {
  const [asking, setAsking] = useState<Region>();
  return (
    <section class="part">
      <h2>Regions</h2>
      <div class="table-place">
        <table class="table">
          <caption class="hidden">Regions</caption>
          <thead>
            <tr>
              <th scope="col">Region</th>
              <th scope="col">Shards</th>
              <th scope="col">New work goes to</th>
              <th scope="col">Change</th>
            </tr>
          </thead>
          <tbody>
            {regions.map((region) => (
              <tr key={region.name}>
                <td>
                  {region.name} {region.own && <span class="muted">this gateway</span>}
                </td>
                <td>{region.shards.join(', ')}</td>
                <td>{region.route.join(', then ')}</td>
                <td>
                  <Button onClick={() => setAsking(region)} label={`Route of ${region.name} …`}>
                    Route …
                  </Button>
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      {asking !== undefined && (
        <RouteDialog region={asking} regions={regions} onDone={onChanged} onClose={() => setAsking(undefined)} />
      )}
    </section>
  );
}

interface RouteDialogProps {
  readonly region: Region;
  readonly regions: readonly Region[];
  readonly onDone: () => void;
  readonly onClose: () => void;
}

/** The regions that take the new work of one, in order: the first that has a shard for it does. */
function RouteDialog({ region, regions, onDone, onClose }: RouteDialogProps) {
  const perform = usePerform();
  const [order, setOrder] = useState(region.route);
  const others = regions.map(({ name }) => name).filter((name) => !order.includes(name));
  const raise = (place: number): void => setOrder(order.with(place - 1, order[place]!).with(place, order[place - 1]!));
  const save = async (reason: string): Promise<string | undefined> => {
    const { fault } = await perform(SetRouteDocument, { input: { region: region.name, order, reason } }, 'RouteSet');
    if (fault !== undefined) return fault;
    announce(`${region.name}: the route is set.`, 'good');
    onDone();
  };
  return (
    <ActionDialog
      title={`Where does the new work of ${region.name} go?`}
      confirm="Set the route"
      reason="needed"
      disabled={order.length === 0}
      onConfirm={save}
      onClose={onClose}
    >
      <p>The first of these that has a shard for it takes it. What lies elsewhere already stays there.</p>
      <ol class="order">
        {order.map((name, place) => (
          <li key={name} class="order-row">
            <span class="order-place">{place + 1}</span>
            <span class="order-name">{name}</span>
            <Button look="quiet" label={`${name} sooner`} disabled={place === 0} onClick={() => raise(place)}>
              ↑
            </Button>
            <Button
              look="quiet"
              label={`${name} not at all`}
              onClick={() => setOrder(order.filter((other) => other !== name))}
            >
              ✕
            </Button>
          </li>
        ))}
        {others.map((name) => (
          <li key={name} class="order-row">
            <span class="order-place">–</span>
            <span class="order-name muted">{name}</span>
            <Button look="quiet" label={`${name} last`} onClick={() => setOrder([...order, name])}>
              Add
            </Button>
          </li>
        ))}
      </ol>
    </ActionDialog>
  );
}
