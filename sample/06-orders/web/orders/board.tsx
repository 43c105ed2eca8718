import { useEffect, useMemo, useState } from 'react';
import { useConnectionState, useEvent, usePresence, useSubscription } from '../envelope.js';
import type { Status } from '../events.js';
import { shortName } from '../people/people.js';
import { useAnnounce } from '../ui/announcer.js';
import { changeName } from '../ui/formats.js';
import { useMedia } from '../ui/use-media.js';
import { Filter } from './filter.js';
import { Header } from './header.js';
import { Notices } from './notices.js';
import { OrderPanel } from './order-panel.js';
import { OrdersTable } from './orders-table.js';
import { changeOrders, sortOrders } from './table-state.js';
import { Unsaved } from './unsaved.js';
import { useDrafts } from './use-drafts.js';
import { useMarks } from './use-marks.js';
import { useOpenOrder } from './use-open-order.js';

interface BoardProps {
  readonly me: string;
  readonly onLeave: () => void;
}

/** The table of orders, with the order that is open beside it. */
export function Board({ me, onLeave }: BoardProps) {
  const isConnected = useConnectionState() === 'open';
  const announce = useAnnounce();
  const openId = useOpenOrder();
  const isNarrow = useMedia('(max-width: 60rem)');
  const [filter, setFilter] = useState<Status | undefined>();

  // answered again on each new connection: what changed meanwhile is in the answer
  const { data, state } = useSubscription('orders.watch', undefined, {
    on: { 'order.changed': changeOrders },
  });
  const { list: people } = usePresence('orders', { watch: 'people.watch', change: 'presence' });
  const { marks, see } = useMarks(data, state === 'active', me);

  const orders = useMemo(() => new Map(data?.orders.map((order) => [order.id, order])), [data]);
  const drafts = useDrafts(orders);
  const peopleOn = useMemo(() => {
    const byOrder = new Map<number, string[]>();
    for (const { key, metas } of people)
      for (const order of new Set(metas.map((meta) => meta.order)))
        if (order !== null) byOrder.set(order, [...(byOrder.get(order) ?? []), key]);
    return byOrder;
  }, [people]);

  useEvent('order.changed', ({ order, changes }) => {
    const [change] = changes;
    if (order.id === openId && change !== undefined && change.by !== me)
      announce(`${shortName(change.by)} changed ${changes.map(changeName).join(', ')}`);
  });

  const leave = (): void => {
    if (drafts.all.size === 0 || confirm('Some edits are not saved. Discard them?')) onLeave();
  };

  const open = openId === undefined ? undefined : orders.get(openId);
  useEffect(() => {
    if (openId !== undefined) see([openId]);
  }, [openId, marks, see]);
  useEffect(() => {
    document.title = open === undefined ? 'Orders' : `#${open.id} · Orders`;
  }, [open]);

  const all = useMemo(() => sortOrders(data?.orders ?? []), [data]);
  const shown = all.filter(({ status }) => filter === undefined || status === filter);
  const away = [...marks].filter(([, { kind }]) => kind === 'away').map(([id]) => id);
  const isLoaded = data !== undefined;
  const isOffline = isLoaded && !isConnected;

  return (
    <div className="page" data-open={open !== undefined || undefined} data-offline={isOffline || undefined}>
      <div className="main" inert={open !== undefined && isNarrow}>
        <Header me={me} online={people.map(({ key }) => key)} isOffline={isOffline} onLeave={leave} />
        <main>
          <Notices
            away={away}
            isOffline={isOffline}
            missing={isLoaded && open === undefined ? openId : undefined}
            onSeen={() => see(away)}
          />
          <Filter orders={all} value={filter} onChange={setFilter} />
          <Unsaved drafts={drafts} orders={orders} openId={openId} isConnected={isConnected} />
          {isLoaded && (
            <OrdersTable
              orders={shown}
              marks={marks}
              drafts={drafts.all}
              peopleOn={peopleOn}
              openId={openId}
              isConnected={isConnected}
            />
          )}
          {!isLoaded && <p className="loading">Getting the orders …</p>}
          {isLoaded && shown.length === 0 && <p className="loading">No orders here.</p>}
        </main>
      </div>
      {open !== undefined && (
        <OrderPanel
          key={open.id}
          order={open}
          draft={drafts.all.get(open.id)}
          drafts={drafts}
          others={(peopleOn.get(open.id) ?? []).filter((person) => person !== me)}
          isConnected={isConnected}
        />
      )}
    </div>
  );
}
