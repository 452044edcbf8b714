import { cleanup, fireEvent, render, screen } from '@testing-library/react';
import type { ReactElement } from 'react';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';

import { Boundary } from './boundary';
import { testids } from './testids';

let fault: Error | null;

function Body(): ReactElement {
  if (fault) {
    throw fault;
  }
  return <p>the curves</p>;
}

function around(shows: unknown): ReactElement {
  return (
    <div>
      <p>beside it</p>
      <Boundary name="The training" shows={shows}>
        <Body />
      </Boundary>
    </div>
  );
}

beforeEach(() => {
  fault = new Error('no points');
  vi.spyOn(console, 'error').mockImplementation(() => undefined); // where React and the boundary report it
});

afterEach(() => {
  cleanup();
  vi.restoreAllMocks();
});

describe('a boundary', () => {
  it('shows what is inside while that can be drawn', () => {
    fault = null;
    render(around(1));
    expect(screen.getByText('the curves')).toBeTruthy();
    expect(screen.queryByTestId(testids.broken)).toBeNull();
  });

  it('says what failed and why, and leaves what is beside it', () => {
    render(around(1));
    const words = screen.getByRole('alert').textContent;
    expect(words).toContain('The training could not be drawn.');
    expect(words).toContain('no points');
    expect(screen.getByText('beside it')).toBeTruthy();
  });

  it('reports the error to the console', () => {
    render(around(1));
    expect(console.error).toHaveBeenCalledWith(
      'caffe_nb: The training could not be drawn',
      fault,
      expect.stringContaining('Body')
    );
  });

  it('draws again on "Try again", and fails again where nothing has changed', () => {
    render(around(1));
    fireEvent.click(screen.getByText('Try again'));
    expect(screen.getByTestId(testids.broken)).toBeTruthy();
    fault = null;
    fireEvent.click(screen.getByText('Try again'));
    expect(screen.getByText('the curves')).toBeTruthy();
  });

  it('draws again by itself when something else is to be shown', () => {
    const { rerender } = render(around(1));
    fault = null;
    rerender(around(1));
    expect(screen.getByTestId(testids.broken)).toBeTruthy();
    rerender(around(2));
    expect(screen.getByText('the curves')).toBeTruthy();
  });
});
