import { jest } from '@jest/globals';
import { OrdersService } from '../../sample/06-orders/src/orders/orders.service.js';
import { EnvelopeServer } from '../../lib/index.js';
import type { TestApp } from '../support/app.js';
import { violations } from './axe.js';
import { Chromium, describeInBrowser } from './chromium.js';
import { BuiltPage, OrdersWindow } from './orders-page.js';

describeInBrowser('sample 06-orders in Chromium', () => {
  const environment = { ...process.env };
  let page: BuiltPage | undefined;
  let chromium: Chromium | undefined;
  let app: TestApp;
  let windows: OrdersWindow[];

  beforeAll(async () => {
    Object.assign(process.env, { DEMO_INTERVAL: '0', ORDERS_FILE: '' });
    page = new BuiltPage();
    chromium = await Chromium.launch();
  });
  afterAll(async () => {
    Object.assign(process.env, { DEMO_INTERVAL: undefined, ORDERS_FILE: undefined }, environment);
    await chromium?.close();
    page?.remove();
  });

  beforeEach(async () => {
    windows = [];
    app = await page!.serve();
  });
  afterEach(async () => {
    await Promise.all(windows.map((window) => window.page.context().close()));
    await app.close();
    expect(windows.flatMap(({ problems }) => problems)).toEqual([]);
  });

  const newWindow = async (): Promise<OrdersWindow> => {
    const window = new OrdersWindow(await chromium!.open());
    windows.push(window);
    return window;
  };
  const url = (): string => `http://127.0.0.1:${app.port}/`;
  const openAs = async (name: string): Promise<OrdersWindow> => (await newWindow()).openAs(url(), name);
  const stop = async (): Promise<() => Promise<void>> => {
    const { port } = app;
    await app.close();
    return async () => {
      app = await page!.serve(port);
    };
  };

  describe('edits', () => {
    it('appear in the other window, with who made them', async () => {
      const [ada, bo] = [await openAs('Ada'), await openAs('Bo')];
      await ada.open(1042);
      await ada.setQuantity(31);
      await bo.seesQuantity(1042, 31);
      await bo.row(1042).getByText('changed by Ada').waitFor();
      await bo.open(1042);
      await bo.sees('Ada changed quantity from 24 to 31');
    });

    it('of different fields are merged while both edit', async () => {
      const [ada, bo] = [await openAs('Ada'), await openAs('Bo')];
      await ada.open(1042);
      await bo.open(1042);
      await ada.page.getByLabel('Note').fill('ring twice');
      await bo.setQuantity(31);
      await bo.hears('Order 1042 is saved');
      await ada.hears('Bo changed quantity from 24 to 31');
      await ada.page.getByRole('button', { name: 'Save' }).click();
      await ada.sees(/Ada changed note/);
      expect(await ada.page.getByLabel('Quantity', { exact: true }).inputValue()).toBe('31');
      expect(await bo.page.getByLabel('Note').inputValue()).toBe('ring twice');
    });

    it.each([
      ['Take 31', 31],
      ['Keep 50', 50],
    ])('of the same field are a conflict, which a person decides: %s', async (choice, quantity) => {
      const [ada, bo] = [await openAs('Ada'), await openAs('Bo')];
      await ada.open(1042);
      await bo.open(1042);
      await ada.setQuantity(50, { isSaved: false });
      await bo.setQuantity(31);
      await ada.page.getByRole('group', { name: 'Conflict: Quantity' }).waitFor();
      await ada.sees('changed the quantity to 31 while you were editing');
      const save = ada.page.getByRole('button', { name: 'Save' });
      expect(await save.isDisabled()).toBe(true);
      await ada.page.getByRole('button', { name: choice }).click();
      if (quantity === 50) await save.click();
      await ada.page.getByRole('group', { name: 'Conflict: Quantity' }).waitFor({ state: 'detached' });
      await bo.seesQuantity(1042, quantity);
      expect(await bo.page.getByLabel('Quantity', { exact: true }).inputValue()).toBe(String(quantity));
    });

    it('that the server fails to save are shown, and can be repeated', async () => {
      const ada = await openAs('Ada');
      const service = app.nest.get(OrdersService);
      jest.spyOn(service, 'edit').mockImplementationOnce(() => {
        throw new Error('disk full');
      });
      await ada.open(1042);
      await ada.setQuantity(31);
      await ada.sees('Not saved: Internal server error.');
      await ada.close();
      await ada.row(1042).getByText('Not saved').waitFor();
      await ada.unsaved.getByText('#1042 quantity 31').waitFor();
      await ada.unsaved.getByRole('button', { name: 'Try again order 1042' }).click();
      await ada.seesQuantity(1042, 31);
      await ada.unsaved.waitFor({ state: 'detached' });
    });

    it.each(['saved', 'lost'])(
      'whose answer was cut off can be repeated: the edit was %s',
      async (outcome) => {
        const ada = await openAs('Ada');
        const service = app.nest.get(OrdersService);
        const edit = service.edit.bind(service);
        jest.spyOn(service, 'edit').mockImplementationOnce((...args) => {
          // the answer does not reach the client
          for (const { ws } of app.nest.get(EnvelopeServer).of('/orders').sockets.values()) ws.terminate();
          if (outcome === 'lost') throw new Error('killed');
          return edit(...args);
        });
        await ada.open(1042);
        await ada.setQuantity(31);
        if (outcome === 'lost') {
          await ada.sees('Not saved: the connection was lost before the server answered.');
          await ada.page.getByText('Live', { exact: true }).waitFor();
          await ada.page.getByRole('button', { name: 'Try again' }).click();
        }
        await ada.sees('Ada changed quantity from 24 to 31');
        await ada.seesQuantity(1042, 31);
        await ada.page.locator('.tag, .outcome').first().waitFor({ state: 'detached' });
      },
    );

    it('of an order that left the table can only be discarded', async () => {
      const ada = await openAs('Ada');
      await ada.open(1042);
      await ada.setQuantity(31, { isSaved: false });
      app.nest.get(OrdersService).archive(1042);
      await ada.sees('Order #1042 is no longer in the table.');
      await ada.sees('This order is no longer in the table.');
      await ada.page.getByRole('link', { name: 'Close it' }).click();
      await ada.page.getByRole('button', { name: 'Discard the edit of order 1042' }).click();
      await ada.unsaved.waitFor({ state: 'detached' });
    });
  });

  it('shows who is on which order, until they leave', async () => {
    const [ada, bo] = [await openAs('Ada'), await openAs('Bo')];
    await ada.page.getByText('Bo is online').waitFor({ state: 'attached' });
    await bo.open(1042);
    await ada.row(1042).getByText('Bo is on this order').waitFor({ state: 'attached' });
    await ada.open(1042);
    await ada.sees('Bo is here, too');
    await bo.open(1043);
    await ada.row(1043).getByText('Bo is on this order').waitFor({ state: 'attached' });
    await ada.page.getByText('Bo is here, too').waitFor({ state: 'detached' });
    await bo.close();
    await ada.row(1043).getByText('Bo is on this order').waitFor({ state: 'detached' });
    await bo.page.close();
    await ada.page.getByText('Bo is online').waitFor({ state: 'detached' });
  });

  it('shows in which field a colleague is, until they leave it', async () => {
    const [ada, bo] = [await openAs('Ada'), await openAs('Bo')];
    await ada.open(1042);
    await bo.open(1042);
    const isEditing = (field: string) => ada.panel.getByText(`Bo is editing the ${field}`);
    await bo.page.getByLabel('Quantity', { exact: true }).focus();
    await isEditing('quantity').waitFor({ state: 'attached' });
    await bo.page.getByLabel('Note').pressSequentially('ring twice');
    await isEditing('note').waitFor({ state: 'attached' });
    await isEditing('quantity').waitFor({ state: 'detached' });
    // who comes later sees it as well, and nobody sees it of another order
    const cleo = await openAs('Cleo');
    await cleo.open(1042);
    await cleo.panel.getByText('Bo is editing the note').waitFor({ state: 'attached' });
    await cleo.open(1043);
    await cleo.panel.getByText('Bo is editing').waitFor({ state: 'detached' });
    await bo.close();
    await isEditing('note').waitFor({ state: 'detached' });
    await bo.open(1042);
    await bo.page.getByLabel('Due').focus();
    await isEditing('due').waitFor({ state: 'attached' });
    await bo.page.close();
    await isEditing('due').waitFor({ state: 'detached' });
  });

  it('goes on without a connection, and shows afterwards what changed meanwhile', async () => {
    const ada = await openAs('Ada');
    await ada.open(1042);
    const restart = await stop();
    await ada.page.getByText('Offline', { exact: true }).waitFor();
    await ada.hears('The connection is lost. You can go on: edits wait.');
    // two edits wait
    await ada.setQuantity(31);
    await ada.sees('Waits for the connection, and is saved then.');
    await ada.open(1043);
    await ada.setQuantity(9);
    await ada.close();
    await ada.seesQuantity(1042, 31);
    await ada.row(1042).getByText('Waiting').waitFor();
    await ada.unsaved.getByRole('heading', { name: '2 edits waiting for the connection' }).waitFor();
    await ada.unsaved.getByRole('button', { name: 'Discard the edit of order 1043' }).click();

    await restart();
    const orders = app.nest.get(OrdersService);
    orders.change(1050, { status: 'packing' }, 'bo');
    await ada.goOnline();
    await ada.page.getByText('Live', { exact: true }).waitFor();
    await ada.hears(/While you were away, this order changed: #1050/);
    await ada.row(1050).getByText('changed by Bo').waitFor();
    await ada.seesQuantity(1043, 2);
    await ada.page.getByRole('button', { name: 'Got it' }).click();
    await ada.page.getByText('Welcome back').waitFor({ state: 'detached' });
  });

  it('asks what to do with an edit that waited, if others changed the same', async () => {
    const ada = await openAs('Ada');
    await ada.open(1042);
    const restart = await stop();
    await ada.page.getByText('Offline', { exact: true }).waitFor();
    await ada.setQuantity(31);
    await ada.close();
    await restart();
    app.nest.get(OrdersService).change(1042, { quantity: 60 }, 'bo');
    await ada.goOnline();
    await ada.unsaved.getByText('Somebody else has changed the same.').waitFor();
    await ada.unsaved.getByRole('link', { name: 'Decide about order 1042' }).click();
    await ada.sees('changed the quantity to 60 while you were editing');
    await ada.page.getByRole('button', { name: 'Keep 31' }).click();
    await ada.page.getByRole('button', { name: 'Save' }).click();
    await ada.sees('Ada changed quantity from 60 to 31');
  });

  it('works with the keyboard alone', async () => {
    const ada = await openAs('Ada');
    const { keyboard } = ada.page;
    const focused = (): Promise<string> => ada.page.evaluate('document.activeElement.textContent');
    await ada.row(1054).getByRole('link').focus();
    await keyboard.press('ArrowDown');
    expect(await focused()).toBe('#1053');
    await keyboard.press('Enter');
    await ada.page.locator('h2:focus').waitFor();
    expect(await focused()).toBe('Order #1053');
    // to the button that closes, to the status, and to the next one
    await keyboard.press('Tab');
    await keyboard.press('Tab');
    await keyboard.press('ArrowRight');
    for (let stops = 0; stops < 2; stops++) await keyboard.press('Tab');
    expect(await ada.page.evaluate('document.activeElement.type')).toBe('number');
    await keyboard.press('ArrowUp');
    await keyboard.press('Enter');
    await ada.hears('Order 1053 is saved');
    await ada.seesQuantity(1053, 3);
    await ada.row(1053).getByText('Packing').waitFor();
    await keyboard.press('Escape');
    await ada.panel.waitFor({ state: 'detached' });
    expect(await focused()).toBe('#1053');
  });

  it('filters by status, and keeps the person and the order of a tab when it is loaded again', async () => {
    const ada = await openAs('Ada');
    await ada.page.getByRole('radio', { name: /^Shipped/ }).check();
    await ada.row(1042).waitFor({ state: 'detached' });
    expect(await ada.page.locator('.orders tbody .status').allTextContents()).toEqual(['Shipped', 'Shipped']);
    await ada.open(1048);
    await ada.page.reload();
    await ada.page.getByRole('heading', { name: 'Order #1048' }).waitFor();
    expect(await ada.page.title()).toBe('#1048 · Orders');
    await ada.page.goBack();
    await ada.panel.waitFor({ state: 'detached' });
    await ada.page.getByRole('button', { name: 'be somebody else' }).click();
    await ada.page.getByRole('heading', { name: 'Who are you today?' }).waitFor();
  });

  it('is accessible: who you are, an order with a conflict, offline on a phone', async () => {
    const window = await newWindow();
    await window.page.goto(url());
    await window.page.getByRole('heading', { name: 'Who are you today?' }).waitFor();
    expect(await violations(window.page)).toEqual([]);
    const [ada, bo] = [await window.openAs(url(), 'Ada'), await openAs('Bo')];
    // fewer rows take less time
    await ada.page.getByRole('radio', { name: /^Packing/ }).check();
    await ada.open(1042);
    await bo.open(1042);
    await ada.setQuantity(50, { isSaved: false });
    await bo.setQuantity(31);
    await ada.page.getByRole('group', { name: 'Conflict: Quantity' }).waitFor();
    expect(await violations(ada.page)).toEqual([]);
    await ada.close();
    await ada.unsaved.waitFor();
    await stop();
    await ada.page.getByText('Offline', { exact: true }).waitFor();
    await ada.page.setViewportSize({ width: 360, height: 640 });
    expect(await violations(ada.page)).toEqual([]);
    await ada.open(1042);
    expect(await violations(ada.page)).toEqual([]);
    app = await page!.serve();
  });

  it('fits a phone, where an order covers the table', async () => {
    const ada = await openAs('Ada');
    await ada.page.setViewportSize({ width: 360, height: 640 });
    await ada.open(1042);
    await ada.page.getByLabel('Note').fill('x'.repeat(280));
    await ada.page.getByRole('button', { name: 'Save' }).click();
    await ada.sees(/Ada changed note/);
    const widths = (): Promise<number[]> =>
      ada.page.evaluate('[document.documentElement.scrollWidth, innerWidth]');
    expect(await widths()).toEqual([360, 360]);
    expect(await ada.page.locator('.main').getAttribute('inert')).not.toBeNull();
    await ada.close();
    expect(await widths()).toEqual([360, 360]);
    expect(await ada.row(1042).getByRole('cell').count()).toBe(5);
    expect(await ada.page.evaluate('document.activeElement.textContent')).toBe('#1042');
  });
});
